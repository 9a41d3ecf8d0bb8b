// What report.html does beyond showing: theme, links, filters, sorting, and a gallery that colours and blends maps.
// Words stand in the page, so that a translated page needs no other script; all text goes in as text, never as markup.
"use strict";
(() => {
  const page = document.documentElement;
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const filled = (words, values) => words.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  function make(tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  // ---- Light and dark: as the system has it, until somebody says otherwise

  function theme() {
    const button = one("button.theme");
    if (!button) return;
    const system = matchMedia("(prefers-color-scheme: dark)");
    const isDark = () => (page.dataset.theme ? page.dataset.theme === "dark" : system.matches);
    const tell = () => button.setAttribute("aria-pressed", String(isDark()));
    button.addEventListener("click", () => {
      page.dataset.theme = isDark() ? "light" : "dark";
      tell();
    });
    system.addEventListener("change", tell);
    tell();
  }

  // ---- Filters: an item stays when every choice is its own word

  const filters = [];

  function filter(bar) {
    const items = all("[data-class]", document.getElementById(bar.dataset.filter));
    const choices = all("select", bar);
    const told = one("output", bar);
    for (const choice of choices) {
      const words = new Set(items.map((item) => item.dataset[choice.dataset.key]).filter(Boolean));
      for (const word of words) choice.append(make("option", { value: word, textContent: word }));
      choice.closest("label").hidden = words.size < 2;
      choice.addEventListener("change", apply);
    }
    const button = one("button.reset", bar);
    function apply() {
      for (const item of items) {
        item.hidden = choices.some((choice) => choice.value && item.dataset[choice.dataset.key] !== choice.value);
      }
      const counted = items.filter((item) => !("twin" in item.dataset));
      const shown = counted.filter((item) => !item.hidden).length;
      told.textContent = filled(told.dataset.words, { shown, total: counted.length });
      button.disabled = choices.every((choice) => !choice.value);
    }
    function reset() {
      for (const choice of choices) choice.value = "";
      apply();
    }
    button.addEventListener("click", reset);
    bar.hidden = choices.every((choice) => choice.closest("label").hidden);
    apply();
    filters.push({ items, reset });
  }

  // ---- Sorting: the heading is a button; the first time from small to large, then the other way round

  function valueOf(cell) {
    if (cell.dataset.order !== undefined) return Number(cell.dataset.order);
    const words = cell.firstChild ? cell.firstChild.textContent.trim() : "";
    if (!cell.classList.contains("number")) return cell.textContent.trim();
    const found = words.replace(/,/g, "").replace(/\u2212/g, "-").match(/-?\d*\.?\d+(e[-+]?\d+)?/i);
    return found ? Number(found[0]) / (words.includes("%") ? 100 : 1) : null;
  }

  const collator = new Intl.Collator(page.lang, { numeric: true });

  function compare(a, b) {
    if (a === null || b === null) return a === b ? 0 : null;
    return typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b);
  }

  function sortable(table) {
    const headings = all("thead th", table);
    headings.forEach((heading, column) => {
      if (!heading.textContent.trim()) return;
      const button = make("button", { type: "button" }, ...heading.childNodes);
      heading.append(button);
      // Chromium repeats the head of a table on each sheet only where it holds no button.
      addEventListener("beforeprint", () => button.replaceWith(...button.childNodes));
      addEventListener("afterprint", () => {
        button.append(...heading.childNodes);
        heading.append(button);
      });
      button.addEventListener("click", () => {
        const turn = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
        for (const other of headings) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", turn === 1 ? "ascending" : "descending");
        const rows = [...table.tBodies[0].rows].map((row) => ({ row, value: valueOf(row.cells[column]) }));
        // what has no value comes last, whichever way round
        rows.sort((a, b) => {
          const order = compare(a.value, b.value);
          return order === null ? (a.value === null ? 1 : -1) : turn * order;
        });
        table.tBodies[0].append(...rows.map(({ row }) => row));
      });
    });
  }

  // ---- Links to one finding: copied, and opened whatever hides it

  function copier(button) {
    const mark = button.textContent;
    button.addEventListener("click", async () => {
      history.replaceState(null, "", `#${button.dataset.anchor}`);
      let told = button.dataset.done;
      try {
        await navigator.clipboard.writeText(location.href);
      } catch {
        told = button.dataset.failed;
      }
      button.textContent = told;
      setTimeout(() => (button.textContent = mark), 2500);
    });
  }

  function openTarget() {
    let target = null;
    try {
      target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch {
      return; // no address of ours
    }
    if (!target) return;
    for (const { items, reset } of filters) {
      if (items.some((item) => item.hidden && item.contains(target))) reset();
    }
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    for (const marked of all(".linked")) marked.classList.remove("linked");
    const finding = target.closest(".finding, .card");
    if (finding) finding.classList.add("linked");
    if (!target.hasAttribute("tabindex") && !target.matches("a, button, summary")) target.tabIndex = -1;
    target.focus({ preventScroll: true });
    stayAt(target);
  }

  // What stands above takes its true height only once it is laid out: scroll again until the target keeps its place.
  function stayAt(target) {
    let frames = 40;
    let seen = NaN;
    const stop = () => (frames = 0);
    for (const own of ["wheel", "touchstart", "keydown", "pointerdown"]) addEventListener(own, stop, { once: true, passive: true });
    const again = () => {
      const top = Math.round(target.getBoundingClientRect().top);
      if (top !== seen || top < 0 || top > innerHeight / 2) target.scrollIntoView({ behavior: "instant" });
      seen = Math.round(target.getBoundingClientRect().top);
      if (--frames > 0) requestAnimationFrame(again);
    };
    again();
    if (document.readyState !== "complete") addEventListener("load", () => ((frames = Math.max(frames, 5)), again()), { once: true });
  }

  // ---- Gallery: grey maps from packed sheets, coloured by a lookup table, over the photo

  class Maps {
    constructor(data) {
      this.sets = data.sets;
      this.colours = Uint8Array.from(data.palette.match(/../g), (two) => parseInt(two, 16));
      this.sheets = new Map();
    }

    sheet(number) {
      if (!this.sheets.has(number)) {
        const sheet = { image: new Image(), ready: false };
        sheet.image.src = document.getElementById(`maps-${number}`).getAttribute("src");
        sheet.loading = sheet.image.decode().then(() => (sheet.ready = true));
        this.sheets.set(number, sheet);
      }
      return this.sheets.get(number);
    }

    // Draws now where the sheet is there, and as soon as it is where not; `wanted` says whether it still matters then.
    draw(canvas, number, index, size, scale, wanted = () => true) {
      const sheet = this.sheet(number);
      const paint = () => this.paint(canvas, sheet.image, number, index, size, scale);
      if (sheet.ready) paint();
      else sheet.loading.then(() => wanted() && paint());
    }

    // The map is enlarged in grey and coloured afterwards, so that colours in between stand for values in between. One
    // with a cell for every pixel of its picture stays crisp.
    paint(canvas, sheet, number, index, size, scale) {
      const { across, cell, tile } = this.sets[number];
      const [width, height] = size.map((side) => side * scale);
      const small = make("canvas", { width: tile[0], height: tile[1] });
      const [x, y] = [(index % across) * cell[0], Math.floor(index / across) * cell[1]];
      small.getContext("2d").drawImage(sheet, x, y, tile[0], tile[1], 0, 0, tile[0], tile[1]);
      const enlarged = make("canvas", { width, height });
      const brush = enlarged.getContext("2d", { willReadFrequently: true });
      brush.imageSmoothingEnabled = tile[0] !== size[0] || tile[1] !== size[1];
      brush.imageSmoothingQuality = "high";
      brush.drawImage(small, 0, 0, width, height);
      const pixels = brush.getImageData(0, 0, width, height);
      this.colour(pixels.data);
      Object.assign(canvas, { width, height });
      canvas.getContext("2d").putImageData(pixels, 0, 0);
    }

    colour(bytes) {
      for (let at = 0; at < bytes.length; at += 4) {
        const step = 3 * bytes[at];
        bytes[at] = this.colours[step];
        bytes[at + 1] = this.colours[step + 1];
        bytes[at + 2] = this.colours[step + 2];
        bytes[at + 3] = 255;
      }
    }

    ramp(canvas) {
      const brush = canvas.getContext("2d");
      const pixels = brush.createImageData(256, 1);
      for (let step = 0; step < 256; step++) pixels.data[4 * step] = step;
      this.colour(pixels.data);
      brush.putImageData(pixels, 0, 0);
    }
  }

  function gallery(home) {
    const maps = new Maps(JSON.parse(document.getElementById("gallery-data").textContent));
    const cards = all(".card", home);
    const controls = one(".controls.maps", home);
    const [method, layer] = ["select.method", "select.layer"].map((name) => one(name, controls));
    const sliders = all(".blend input", home);
    const viewer = one("#viewer", home);
    const near = new Set();
    let chosen = 0;
    let open = 0;

    const natural = (card) => {
      const shown = one(".photo img, .left-out", card);
      return [shown.dataset.width, shown.dataset.height].map(Number);
    };
    const largest = (index) => {
      const top = maps.sets[chosen].tops[index];
      return top === null ? home.dataset.none : filled(home.dataset.largest, { value: top });
    };

    function show(card) {
      if (card.dataset.drawn === String(chosen)) return;
      card.dataset.drawn = String(chosen);
      const [index, now] = [cards.indexOf(card), chosen];
      let canvas = one("canvas", card);
      if (!canvas) {
        canvas = make("canvas", { className: "over" });
        one(".photo button", card).append(canvas);
      }
      one(".top", card).textContent = largest(index);
      canvas.hidden = maps.sets[now].tops[index] === null;
      if (!canvas.hidden) maps.draw(canvas, now, index, natural(card), 1, () => now === chosen);
    }

    function warn(within) {
      const { warning } = maps.sets[chosen];
      const told = one("[data-warning]", within);
      told.hidden = !warning;
      told.textContent = warning;
    }

    function choose(number) {
      chosen = number;
      const set = maps.sets[number];
      method.value = set.method;
      const layers = maps.sets.map((other, at) => [other, at]).filter(([other]) => other.method === set.method);
      layer.replaceChildren(...layers.map(([other, at]) => make("option", { value: at, textContent: other.layer || "–" })));
      layer.value = number;
      layer.closest("label").hidden = layers.length < 2;
      for (const which of all(".which", home)) which.textContent = [set.method, set.layer].filter(Boolean).join(", ");
      warn(home);
      maps.sheet(number); // so that it is there when somebody prints
      for (const card of near) show(card);
      if (viewer.open) enlarge(open);
    }

    function chooseMethod() {
      const before = maps.sets[chosen].layer;
      const same = maps.sets.findIndex((set) => set.method === method.value && set.layer === before);
      choose(same >= 0 ? same : maps.sets.findIndex((set) => set.method === method.value));
    }

    // One picture, large: photo, map and both side by side; then every map of it, small
    function enlarge(index) {
      open = index;
      const card = cards[index];
      const set = maps.sets[chosen];
      one("#viewer-title").replaceChildren(...one(".name", card).cloneNode(true).childNodes);
      one(".said", viewer).replaceChildren(...one(".said", card).cloneNode(true).childNodes);
      one(".scale .top", viewer).textContent = largest(index);
      warn(viewer);
      for (const place of all(".panels .photo", viewer)) {
        const photo = one(".photo img, .left-out", card).cloneNode(true);
        place.replaceChildren(photo);
      }
      const over = make("canvas", { className: "over" });
      one(".both", viewer).append(over);
      const size = natural(card);
      const scale = Math.max(1, Math.round(320 / Math.max(...size)));
      for (const canvas of [one("canvas.map", viewer), over]) {
        canvas.hidden = set.tops[index] === null;
        const now = chosen;
        if (!canvas.hidden) {
          maps.draw(canvas, now, index, size, scale, () => now === chosen && index === open);
        }
      }
      one(".tiles", viewer).replaceChildren(...maps.sets.map((other, number) => tile(other, number, index, size)));
    }

    function tile(set, number, index, size) {
      const canvas = make("canvas", { width: size[0], height: size[1] });
      const words = make("span", { textContent: set.method }, make("small", { textContent: set.layer }));
      const button = make("button", { type: "button", className: set.failed ? "failed" : "" }, canvas, words);
      button.setAttribute("aria-pressed", String(number === chosen));
      if (set.tops[index] !== null) maps.draw(canvas, number, index, size, 1);
      button.addEventListener("click", () => {
        choose(number);
        one(`.tiles li:nth-child(${number + 1}) button`, viewer).focus();
      });
      return make("li", {}, button);
    }

    function step(by) {
      for (let at = open + by; at >= 0 && at < cards.length; at += by) {
        if (!cards[at].hidden) return enlarge(at);
      }
    }

    const methods = [...new Set(maps.sets.map((set) => set.method))];
    method.append(...methods.map((name) => make("option", { textContent: name })));
    method.addEventListener("change", chooseMethod);
    layer.addEventListener("change", () => choose(Number(layer.value)));
    function mix(share) {
      for (const slider of sliders) slider.value = share;
      home.style.setProperty("--blend", share / 100);
    }
    for (const slider of sliders) slider.addEventListener("input", () => mix(slider.value));
    mix(sliders[0].value);
    all(".ramp", home).forEach((canvas) => maps.ramp(canvas));
    const watcher = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          if (isIntersecting) near.add(target), show(target);
          else near.delete(target);
        }
      },
      { rootMargin: "300px" },
    );
    cards.forEach((card, index) => {
      const photo = one(".photo", card);
      const button = make("button", { type: "button" }, ...photo.childNodes);
      photo.replaceWith(make("div", { className: "photo" }, button));
      button.setAttribute("aria-haspopup", "dialog");
      button.addEventListener("click", () => {
        enlarge(index);
        viewer.showModal();
      });
      watcher.observe(card);
    });
    one("button.back", viewer).addEventListener("click", () => step(-1));
    one("button.next", viewer).addEventListener("click", () => step(1));
    one("button.close", viewer).addEventListener("click", () => viewer.close());
    viewer.addEventListener("close", () => one("button", cards[open]).focus());
    viewer.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") step(-1);
      if (event.key === "ArrowRight") step(1);
    });
    addEventListener("beforeprint", () => cards.forEach(show));
    choose(Math.max(0, maps.sets.findIndex((set) => !set.warning)));
  }

  page.classList.add("js");
  theme();
  all("[data-filter]").forEach(filter);
  all("table.sortable").forEach(sortable);
  all("button.copy").forEach(copier);
  all("#gallery").forEach(gallery);
  addEventListener("hashchange", openTarget);
  if (location.hash) openTarget();
})();
