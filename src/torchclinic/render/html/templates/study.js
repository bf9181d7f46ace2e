(() => {
  const root = document.documentElement;
  const { all, number, ticksFor } = globalThis.torchclinicPage;

  /* Arms on and off: a class of the root hides what belongs to an arm; axes fit what is left. */
  const boxes = all("[data-arm]");
  const isOff = (key) => root.classList.contains("off-" + key);
  const refits = [];
  const show = (changed) => {
    for (const box of changed) root.classList.toggle("off-" + box.dataset.arm, !box.checked);
    for (const refit of refits) refit();
  };
  for (const box of boxes) box.addEventListener("change", () => show([box]));
  for (const button of all("[data-arms]")) {
    button.addEventListener("click", () => {
      for (const box of boxes) box.checked = button.dataset.arms === "all";
      show(boxes);
    });
  }

  /* Where a value stands on an axis as it was drawn, and what stands at a place. */
  const axis = ([low, high, log]) => {
    const [a, b] = log ? [Math.log10(low), Math.log10(high)] : [low, high];
    return {
      place: (v) => ((log ? Math.log10(v) : v) - a) / (b - a),
      value: (p) => (log ? 10 ** (a + p * (b - a)) : a + p * (b - a)),
      log,
    };
  };
  const around = (places, room) => {
    if (!places.length) return [0, 1];
    const low = Math.min(...places), high = Math.max(...places);
    const pad = room * Math.max(high - low, 0.01);
    return [Math.max(0, low - pad), Math.min(1, high + pad)];
  };
  const ticks = (scale, [from, to]) =>
    ticksFor(scale.value(from), scale.value(to), scale.log)
      .map((v) => [v, (scale.place(v) - from) / (to - from)])
      .filter(([, p]) => p >= -1e-9 && p <= 1 + 1e-9);
  const draw = (name, attributes, text = "") => {
    const element = document.createElementNS(document.querySelector("svg").namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  };

  /* Curves: the vertical axis. */
  const LATE = 0.2, LINE = 15;
  for (const plot of all("#curves [data-plot]")) {
    const info = JSON.parse(plot.dataset.plot);
    const scale = axis(info.y);
    const svg = plot.firstElementChild;
    const layer = svg.querySelector(".layer");
    const base = new Map();
    for (const element of all("circle.end, .arm-word, svg.at", svg)) {
      const name = element.hasAttribute("cy") ? "cy" : "y";
      base.set(element, [name, 1 - parseFloat(element.getAttribute(name)) / 100]);
    }
    const late = info.x[0] + LATE * (info.x[1] - info.x[0]);
    const seen = () => info.series
      .filter((one) => !isOff(one.key))
      .flatMap((one) => one.y.filter((v, i) => v !== null && one.x[i] >= late))
      .map(scale.place)
      .filter((p) => p >= 0 && p <= 1);
    const spread = (words, height) => {
      words.sort((a, b) => a.at - b.at);
      words.forEach((word, i) => { word.to = i ? Math.max(word.at, words[i - 1].to + LINE) : word.at; });
      for (let i = words.length - 1, limit = height; i >= 0; i -= 1, limit = words[i + 1].to - LINE) {
        words[i].to = Math.min(words[i].to, limit);
      }
      for (const { element, at, to } of words) element.setAttribute("dy", 4 + to - at);
    };
    refits.push(() => {
      const [from, to] = boxes.every((box) => box.checked) ? [0, 1] : around(seen(), 0.08);
      const [x, , width] = layer.getAttribute("viewBox").split(" ");
      layer.setAttribute("viewBox", `${x} ${1000 * (1 - to)} ${width} ${1000 * (to - from)}`);
      const height = plot.clientHeight - parseFloat(plot.style.paddingTop) - parseFloat(plot.style.paddingBottom);
      const words = [];
      for (const [element, [name, place]] of base) {
        const now = (place - from) / (to - from);
        element.setAttribute(name, 100 * (1 - now) + "%");
        element.style.visibility = now < -0.01 || now > 1.01 ? "hidden" : "";
        const key = [...element.classList].find((one) => one.startsWith("arm-") && one !== "arm-word");
        if (element.classList.contains("arm-word") && !isOff(key)) words.push({ element, at: height * (1 - now) });
      }
      spread(words, height);
      for (const old of all("line.grid, text.tick.end:not(.soft)", svg)) old.remove();
      for (const [v, p] of ticks(scale, [from, to])) {
        const y = 100 * (1 - p) + "%";
        svg.prepend(
          draw("line", { x1: "0", x2: "100%", y1: y, y2: y, class: "grid" }),
          draw("text", { x: "0", y, dx: "-8", dy: "4", class: "tick end" }, number(v)),
        );
      }
    });
  }

  /* Forest and seeds: the horizontal axis. */
  for (const table of all(".forest .strips, #seeds .strips")) {
    const scale = axis(JSON.parse(table.dataset.scale));
    const rows = all("tbody tr:not(.axisrow)", table);
    const names = ["x", "cx", "x1", "x2"];
    const base = new Map(rows.map((row) => [row, all(".strip > *", row).map((element) => [
      element,
      names.filter((name) => element.hasAttribute(name))
        .map((name) => [name, parseFloat(element.getAttribute(name)) / 100]),
    ])]));
    const labels = table.querySelector(".axisrow svg");
    refits.push(() => {
      const open = rows.filter((row) => ![...row.classList].some(isOff));
      const places = open.flatMap((row) => base.get(row).flatMap(([, found]) => found.map(([, p]) => p)));
      const span = open.length === rows.length ? [0, 1] : around(places, 0.06);
      for (const found of base.values()) {
        for (const [element, values] of found) {
          for (const [name, p] of values) element.setAttribute(name, 100 * (p - span[0]) / (span[1] - span[0]) + "%");
        }
      }
      const marks = ticks(scale, span);
      labels.replaceChildren(...marks.map(([v, p]) => draw("text", { x: 100 * p + "%", y: "13", class: "tick mid" }, number(v))));
      const color = "linear-gradient(var(--grid),var(--grid))";
      table.style.setProperty("--lines", marks.map(([, p]) => `${color} ${100 * p}% 0/1px 100% no-repeat`).join(","));
    });
  }
  if (boxes.some((box) => !box.checked)) show(boxes);

  /* A line for each seed instead of the band. */
  for (const box of all("[data-seeds]")) {
    const turn = () => root.classList.toggle("seeds-on", box.checked);
    box.addEventListener("change", turn);
    turn();
  }

  /* Tables: a heading sorts, once more turns the order; what has no value stays last. */
  for (const table of all("table.sortable")) {
    const heads = all("thead th", table);
    const body = table.tBodies[0];
    heads.forEach((head, column) => {
      const numeric = head.dataset.sort === "number";
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.textContent = head.textContent;
      const explained = head.querySelector(".term");
      if (explained) button.title = explained.dataset.tip;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === (numeric ? null : "ascending")
          || (numeric && head.getAttribute("aria-sort") === "ascending");
        const key = (row) => row.cells[column].dataset.v;
        const compare = (a, b) => {
          const [x, y] = [key(a), key(b)];
          if (x === "" || y === "") return (x === "") - (y === "");
          const order = numeric ? Number(x) - Number(y) : x.localeCompare(y, "en", { numeric: true });
          return down ? -order : order;
        };
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        body.append(...[...body.rows].sort(compare));
      });
    });
  }
})();
