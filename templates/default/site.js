"use strict";
// Hides the rows that the filter leaves out, and subjects without a row left; without scripts all rows are shown.
(() => {
  const form = document.querySelector(".filter");
  const find = document.getElementById("find");
  const newest = document.getElementById("newest");
  const shown = document.getElementById("shown");
  const boxes = [...form.querySelectorAll("input[name=verdict]")];
  const sections = [...document.querySelectorAll(".subject")];

  const apply = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdicts = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let count = 0;
    let total = 0;
    for (const section of sections) {
      let left = 0;
      for (const row of section.querySelectorAll("tbody tr")) {
        const fits = verdicts.has(row.dataset.verdict)
          && words.every((word) => row.dataset.text.includes(word))
          && (!newest.checked || "newest" in row.dataset);
        row.hidden = !fits;
        left += fits;
        total += 1;
      }
      section.hidden = left === 0;
      count += left;
    }
    shown.textContent = count === total ? "" : count === 0
      ? shown.dataset.none
      : shown.dataset.words.replace("{shown}", count).replace("{total}", total);
  };

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", apply);
  form.hidden = false;
  apply();
})();
