"use strict";
// Sorts and filters the rows that are on the page. Without it the page is whole.
(() => {
  const words = document.querySelector("main").dataset;
  const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });
  const turns = { none: "ascending", ascending: "descending", descending: "none" };

  function compare(a, b, column, sign) {
    const [one, other] = [a, b].map((row) => row.cells[column]);
    const [first, second] = [one, other].map((cell) => cell.dataset.v || cell.textContent.trim());
    const missing = (first === "–") - (second === "–");
    return missing || sign * collator.compare(first, second);
  }

  function sortable(table) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const turn = turns[head.getAttribute("aria-sort") || "none"];
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        if (turn !== "none") head.setAttribute("aria-sort", turn);
        const sign = turn === "descending" ? -1 : 1;
        body.append(...(turn === "none" ? rows : [...rows].sort((a, b) => compare(a, b, column, sign))));
      });
    });
  }

  function filterable(table, scroll) {
    const rows = [...table.tBodies[0].rows];
    const [label, field, said] = ["label", "input", "output"].map((name) => document.createElement(name));
    field.type = "search";
    field.setAttribute("aria-label", `${words.filter}: ${scroll.getAttribute("aria-label")}`);
    said.textContent = words.hint;
    label.className = "filter";
    label.append(words.filter, field, said);
    scroll.before(label);
    field.addEventListener("input", () => {
      const wanted = field.value.toLowerCase().split(/\s+/);
      rows.forEach((row) => {
        const text = row.textContent.toLowerCase();
        row.hidden = !wanted.every((word) => text.includes(word));
      });
      const shown = rows.filter((row) => !row.hidden).length;
      said.textContent = field.value ? words.shown.replace("{shown}", shown).replace("{all}", rows.length) : words.hint;
    });
  }

  document.querySelectorAll(".scroll").forEach((scroll) => {
    const table = scroll.querySelector("table:not(.heat, .frameworks)");
    if (!table || table.tBodies[0].rows.length < 2) return;
    sortable(table);
    if (table.tBodies[0].rows.length > 5) filterable(table, scroll);
  });
})();
