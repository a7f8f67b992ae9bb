// Lets a reader sort a table by a click on a head, and gives a long one a search box and choices; without this script
// every row is simply shown, in its own order.
(() => {
  "use strict";
  const units = { s: 1, min: 60, h: 3600, B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };
  const element = (name, given, ...children) => {
    const made = Object.assign(document.createElement(name), given);
    made.append(...children);
    return made;
  };
  const said = (cell) => cell.textContent.trim();
  // "1,204", "3 min 5 s", "1.4 MB", "0.4 %", "2 of 5": what a number column says, as one number
  const amount = (text) => {
    const parts = [...text.split(" of ")[0].replace(/,/g, "").matchAll(/(-?\d+(?:\.\d+)?)\s*(\p{L}+)?/gu)];
    return parts.length ? parts.reduce((sum, [, number, unit]) => sum + Number(number) * (units[unit] ?? 1), 0) : -Infinity;
  };
  const compare = (column, isNumber) => (one, other) => {
    const [a, b] = [said(one.cells[column]), said(other.cells[column])];
    return isNumber ? amount(a) - amount(b) : a.localeCompare(b, "en", { numeric: true });
  };
  const sortable = (table) => {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    if (rows.length < 2) return;
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = element("button", { type: "button", className: "sort", textContent: said(head) });
      button.addEventListener("click", () => {
        const next = { none: "ascending", ascending: "descending", descending: "none" }[head.ariaSort || "none"];
        for (const each of heads) each.ariaSort = "none";
        head.ariaSort = next;
        const sorted = next === "none" ? rows : [...rows].sort(compare(column, head.classList.contains("number")));
        body.append(...(next === "descending" ? sorted.reverse() : sorted));
      });
      head.replaceChildren(button);
    });
  };
  const filterable = (table) => {
    const rows = [...table.tBodies[0].rows];
    const heads = [...table.tHead.rows[0].cells].map(said);
    const search = element("input", { type: "search", placeholder: "any word", autocomplete: "off" });
    const count = element("output", {});
    const choices = table.dataset.filter.split(",").filter(Boolean).map(Number).map((column) => {
      const values = [...new Set(rows.map((row) => said(row.cells[column])))].sort();
      const options = ["", ...values].map((value) => element("option", { value, textContent: value || "all" }));
      return { column, select: element("select", {}, ...options) };
    });
    const show = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        const chosen = choices.every(({ column, select }) => !select.value || said(row.cells[column]) === select.value);
        row.hidden = !(chosen && words.every((word) => text.includes(word)));
        shown += !row.hidden;
      }
      count.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`;
    };
    const controls = choices.map(({ column, select }) => element("label", {}, `${heads[column]} `, select));
    controls.push(element("label", {}, "search ", search), count);
    const bar = element("div", { className: "filters" }, ...controls);
    bar.addEventListener("input", show);
    table.parentElement.before(bar);
    show();
  };
  const all = () => {
    for (const table of document.querySelectorAll(".crm table:not([data-ready])")) {
      if (!table.tHead || !table.tBodies.length) continue;
      table.dataset.ready = "yes";
      if (table.dataset.filter !== undefined) filterable(table);
      sortable(table);
    }
  };
  all();
  setTimeout(all, 300); // in a notebook the script may run before its output stands in the document
})();
