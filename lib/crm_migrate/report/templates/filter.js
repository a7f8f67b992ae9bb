// Gives a long table a search box and choices above it; without this script every row is simply shown.
(() => {
  "use strict";
  const element = (name, given, ...children) => {
    const made = Object.assign(document.createElement(name), given);
    made.append(...children);
    return made;
  };
  const said = (cell) => cell.textContent.trim();
  const enhance = (table) => {
    if (table.dataset.ready) return;
    table.dataset.ready = "yes";
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
  const all = () => document.querySelectorAll("table[data-filter]").forEach(enhance);
  all();
  setTimeout(all, 300); // in a notebook the script may run before its output stands in the document
})();
