(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  /* Arms on and off: a class of the root hides everything that belongs to an arm. */
  const boxes = all("[data-arm]");
  const show = (box) => root.classList.toggle("off-" + box.dataset.arm, !box.checked);
  for (const box of boxes) {
    box.addEventListener("change", () => show(box));
    show(box);
  }
  for (const button of all("[data-arms]")) {
    button.addEventListener("click", () => {
      for (const box of boxes) {
        box.checked = button.dataset.arms === "all";
        show(box);
      }
    });
  }

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
