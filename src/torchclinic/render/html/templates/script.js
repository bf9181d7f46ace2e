"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (name, parent) => {
    const element = document.createElement("div");
    element.className = name;
    parent.append(element);
    return element;
  };

  /* Numbers as the figures write them. */
  const powers = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const raise = (exponent) =>
    (exponent < 0 ? "⁻" : "") + [...String(Math.abs(exponent))].map((d) => powers[d]).join("");
  const number = (value) => {
    if (value === null || Number.isNaN(value)) return "NaN";
    if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
    const size = Math.abs(value);
    if (size === 0) return "0";
    if (size >= 1e5 || size < 1e-3) {
      const [mantissa, exponent] = value.toExponential(2).split("e");
      const short = String(Number(mantissa));
      return (short === "1" ? "10" : short + "×10") + raise(Number(exponent));
    }
    return size >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
  };

  /* One tooltip for the whole page. */
  const tip = make("tip", document.body);
  tip.hidden = true;
  tip.id = "tip";
  tip.setAttribute("role", "status");
  const showTip = (text, x, y) => {
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = x + 14 + box.width > innerWidth - 8 ? x - 14 - box.width : x + 14;
    const top = y + 16 + box.height > innerHeight - 8 ? y - 12 - box.height : y + 16;
    tip.style.left = Math.max(8, left) + "px";
    tip.style.top = Math.max(8, top) + "px";
  };
  const hideTip = () => { tip.hidden = true; };

  /* Theme. */
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const toggle = document.querySelector("[data-theme-toggle]");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const paint = () => {
    toggle.textContent = isDark() ? "Light" : "Dark";
    toggle.setAttribute("aria-label", (isDark() ? "Light" : "Dark") + " theme");
    toggle.setAttribute("aria-pressed", String(isDark()));
  };
  const remember = (theme) => {
    try { localStorage.setItem("torchclinic-theme", theme); } catch (error) { return false; }
    return true;
  };
  const remembered = () => {
    try { return localStorage.getItem("torchclinic-theme"); } catch (error) { return null; }
  };
  if (remembered() === "dark" || remembered() === "light") root.dataset.theme = remembered();
  toggle.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember(root.dataset.theme);
    paint();
  });
  dark.addEventListener("change", paint);
  paint();

  /* Copy and download. */
  const select = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };
  const copy = async (source) => {
    try {
      await navigator.clipboard.writeText(source.textContent);
      return true;
    } catch (error) {
      select(source);
      return document.execCommand("copy");
    }
  };
  for (const button of all("[data-copy]")) {
    button.addEventListener("click", async () => {
      const done = await copy(document.getElementById(button.dataset.copy));
      button.textContent = done ? "Copied" : "Selected";
      setTimeout(() => { button.textContent = "Copy"; }, 1800);
    });
  }
  const text = document.getElementById("document").textContent;
  let parsed;
  const data = () => (parsed ??= JSON.parse(text));
  for (const button of all("[data-download]")) {
    button.addEventListener("click", () => {
      const blob = new Blob([JSON.stringify(data(), null, 1)], { type: "application/json" });
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = button.dataset.download;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }

  /* Tabs. */
  for (const list of all("[role=tablist]")) {
    const tabs = all("[role=tab]", list);
    const open = (chosen, focus) => {
      for (const tab of tabs) {
        const on = tab === chosen;
        tab.setAttribute("aria-selected", String(on));
        tab.tabIndex = on ? 0 : -1;
        document.getElementById(tab.getAttribute("aria-controls")).hidden = !on;
      }
      if (focus) chosen.focus();
    };
    tabs.forEach((tab, place) => {
      tab.addEventListener("click", () => open(tab, false));
      tab.addEventListener("keydown", (event) => {
        const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: tabs.length - 1 }[event.key];
        if (next === undefined) return;
        event.preventDefault();
        open(tabs[(next + tabs.length) % tabs.length], true);
      });
    });
    open(tabs[0], false);
  }

  /* Words of the glossary. */
  for (const term of all(".term")) {
    const show = () => {
      const box = term.getBoundingClientRect();
      term.setAttribute("aria-describedby", "tip");
      showTip(term.dataset.tip, box.left - 14, box.bottom - 8);
    };
    term.addEventListener("pointerenter", show);
    term.addEventListener("focus", show);
    term.addEventListener("pointerleave", hideTip);
    term.addEventListener("blur", hideTip);
  }

  /* The box inside of a plot's padding, where its places are percentages of. */
  const inner = (plot) => plot.firstElementChild.getBoundingClientRect();

  /* Curves: read out with pointer or arrow keys, zoom by dragging or with + and -. */
  const ticksFor = (low, high, log) => {
    if (log) {
      const found = [];
      for (let k = Math.ceil(Math.log10(low)); k <= Math.log10(high); k += 1) found.push(10 ** k);
      if (found.length > 1) return found;
    }
    const raw = (high - low) / 4;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((m) => m >= raw * 0.999);
    const found = [];
    for (let v = Math.ceil(low / step) * step; v <= high * (1 + 1e-9); v += step) found.push(v);
    return found;
  };
  for (const plot of all("[data-plot]")) {
    const info = JSON.parse(plot.dataset.plot);
    const svg = plot.firstElementChild;
    const layer = svg.querySelector(".layer");
    const ticks = svg.querySelector(".xticks");
    const [low, high] = info.log ? info.x.map(Math.log10) : info.x;
    const cursor = make("cursor", plot);
    const brush = make("brush", plot);
    const reset = document.createElement("button");
    cursor.hidden = brush.hidden = reset.hidden = true;
    reset.className = "tool reset";
    reset.type = "button";
    reset.textContent = "Whole range";
    plot.append(reset);
    const share = (x) => ((info.log ? Math.log10(x) : x) - low) / (high - low);
    const value = (s) => (info.log ? 10 ** (low + s * (high - low)) : low + s * (high - low));
    const steps = [...new Set(info.series.flatMap((one) => one.x))].sort((a, b) => a - b);
    let from = 0, to = 1, at = null, start = null;
    const seen = (s) => (s - from) / (to - from);

    const zoom = (a, b) => {
      from = Math.max(0, a);
      to = Math.min(1, b);
      if (to - from < 0.005) return;
      const [, top, , height] = layer.getAttribute("viewBox").split(" ");
      layer.setAttribute("viewBox", `${1000 * from} ${top} ${1000 * (to - from)} ${height}`);
      for (const element of svg.querySelectorAll("[data-x]")) {
        const place = seen(Number(element.dataset.x));
        element.style.display = place < -0.001 || place > 1.001 ? "none" : "";
        for (const name of ["x", "cx", "x1", "x2"]) {
          if (element.hasAttribute(name)) element.setAttribute(name, 100 * place + "%");
        }
      }
      const words = ticksFor(value(from), value(to), info.log).map((v) => {
        const word = document.createElementNS(svg.namespaceURI, "text");
        word.setAttribute("class", "tick mid");
        word.setAttribute("x", 100 * seen(share(v)) + "%");
        word.setAttribute("y", "100%");
        word.setAttribute("dy", "18");
        word.textContent = number(v);
        return word;
      });
      ticks.replaceChildren(...words);
      reset.hidden = from === 0 && to === 1;
    };
    const read = (index) => {
      at = Math.min(steps.length - 1, Math.max(0, index));
      const x = steps[at];
      const box = inner(plot), outer = plot.getBoundingClientRect();
      const place = seen(share(x));
      if (place < 0 || place > 1) return;
      cursor.hidden = false;
      cursor.style.left = box.left - outer.left + place * box.width + "px";
      cursor.style.top = box.top - outer.top + "px";
      cursor.style.height = box.height + "px";
      const lines = info.series
        .filter((one) => !(one.key && root.classList.contains("off-" + one.key)))
        .map((one) => [one.name, one.x.indexOf(x), one])
        .filter(([, i]) => i >= 0)
        .map(([name, i, one]) => `${name}: ${number(one.y[i])}`);
      showTip([`${info.name} ${number(x)}`, ...lines].join("\n"), box.left + place * box.width, box.top + 20);
    };
    const nearest = (event) => {
      const box = inner(plot);
      const s = from + ((event.clientX - box.left) / box.width) * (to - from);
      const x = value(Math.min(1, Math.max(0, s)));
      let best = 0;
      steps.forEach((step, i) => {
        if (Math.abs(share(step) - share(x)) < Math.abs(share(steps[best]) - share(x))) best = i;
      });
      return best;
    };
    const leave = () => { cursor.hidden = true; brush.hidden = true; start = null; hideTip(); };
    plot.addEventListener("pointermove", (event) => {
      read(nearest(event));
      if (start === null) return;
      const box = inner(plot), outer = plot.getBoundingClientRect();
      const a = Math.max(box.left, Math.min(start, event.clientX));
      const b = Math.min(box.right, Math.max(start, event.clientX));
      brush.hidden = b - a < 6;
      brush.style.left = a - outer.left + "px";
      brush.style.width = Math.max(0, b - a) + "px";
      brush.style.top = box.top - outer.top + "px";
      brush.style.height = box.height + "px";
    });
    plot.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse" && event.button === 0 && event.target !== reset) start = event.clientX;
    });
    plot.addEventListener("pointerup", (event) => {
      if (start !== null && Math.abs(event.clientX - start) > 12) {
        const box = inner(plot);
        const place = (x) => from + ((x - box.left) / box.width) * (to - from);
        const ends = [place(start), place(event.clientX)].sort((a, b) => a - b);
        zoom(ends[0], ends[1]);
      }
      brush.hidden = true;
      start = null;
    });
    plot.addEventListener("pointerleave", leave);
    plot.addEventListener("blur", leave);
    plot.addEventListener("dblclick", () => zoom(0, 1));
    reset.addEventListener("click", () => zoom(0, 1));
    plot.addEventListener("keydown", (event) => {
      const middle = at === null ? (from + to) / 2 : share(steps[at]);
      const half = (to - from) / 2;
      const act = {
        ArrowRight: () => read((at ?? -1) + 1),
        ArrowLeft: () => read((at ?? steps.length) - 1),
        Home: () => read(0),
        End: () => read(steps.length - 1),
        "+": () => zoom(middle - half / 2, middle + half / 2),
        "=": () => zoom(middle - half / 2, middle + half / 2),
        "-": () => zoom(middle - half * 2, middle + half * 2),
        0: () => zoom(0, 1),
        Escape: () => { zoom(0, 1); leave(); },
      }[event.key];
      if (!act || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      act();
    });
  }

  /* Heat maps: read out a cell with the pointer or the arrow keys. */
  for (const plot of all("[data-heat]")) {
    const info = JSON.parse(plot.dataset.heat);
    let row = 0, column = -1;
    const trace = () => info.source.reduce((value, key) => value?.[key], data());
    const read = (x, y) => {
      const layer = trace()?.layers[info.layers[row]];
      if (!layer) return showTip(`step ${number(info.steps[column])}`, x, y);
      const series = layer.series[info.statistic];
      let best = 0;
      series.steps.forEach((step, i) => {
        if (Math.abs(step - info.steps[column]) < Math.abs(series.steps[best] - info.steps[column])) best = i;
      });
      showTip(`${layer.name}\nstep ${number(series.steps[best])}: ${number(Number(series.values[best]))}`, x, y);
    };
    plot.addEventListener("pointermove", (event) => {
      const box = inner(plot);
      const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
      if (x < 0 || x >= 1 || y < 0 || y >= 1) return hideTip();
      column = Math.floor(x * info.steps.length);
      row = Math.floor(y * info.layers.length);
      read(event.clientX, event.clientY);
    });
    plot.addEventListener("pointerleave", hideTip);
    plot.addEventListener("blur", hideTip);
    plot.addEventListener("keydown", (event) => {
      const move = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      if (!move) return;
      event.preventDefault();
      row = Math.min(info.layers.length - 1, Math.max(0, row + move[0]));
      column = Math.min(info.steps.length - 1, Math.max(0, column + move[1]));
      const box = inner(plot);
      read(
        box.left + ((column + 0.5) / info.steps.length) * box.width,
        box.top + ((row + 0.5) / info.layers.length) * box.height,
      );
    });
  }

  globalThis.torchclinicPage = { all, number, ticksFor };

  /* Folded parts are part of a printed report. */
  addEventListener("beforeprint", () => all("details").forEach((one) => { one.open = true; }));
})();
