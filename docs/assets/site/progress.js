/* How far a reader is in a lesson: the step in the header, a "Done" button at each step, and what is
   done in the table of contents and the navigation. All of it stays in the reader's browser. */
(() => {
  const KEY = "channels-course.done";
  const ROOT = new URL("../../", document.currentScript.src).href;
  const READ_AT = 0.35; // of the window's height: the step whose heading is above is the one read
  const lesson = document.querySelector("#lesson-data");
  const steps = lesson ? [...document.querySelectorAll("h2[data-step]")] : [];
  const address = (url) => url.split(/[?#]/)[0].replace(ROOT, "");
  const page = address(location.href);
  let all = load(); // by page: the ids of the headings that are done, and how many there are
  let cleared = null; // what "Undo" brings back

  function load() {
    // A browser may refuse to keep anything. The marks then last as long as the page is open.
    try {
      const found = JSON.parse(localStorage.getItem(KEY));
      return found && typeof found === "object" ? found : {};
    } catch {
      return {};
    }
  }

  // A step that was renamed since isn't the step that was done.
  const done = () => steps.filter((step) => all[page]?.done?.includes(step.id)).map((step) => step.id);

  function keep(ids) {
    all[page] = { done: ids, of: steps.length };
    try {
      localStorage.setItem(KEY, JSON.stringify(all));
    } catch {}
    show();
  }

  function make(tag, properties) {
    return Object.assign(document.createElement(tag), properties);
  }

  function toggle(id) {
    const ids = done();
    cleared = null;
    keep(ids.includes(id) ? ids.filter((other) => other !== id) : [...ids, id]);
  }

  function clear() {
    const ids = cleared ?? [];
    cleared = cleared ? null : done();
    keep(ids);
  }

  const buttons = steps.map((step) => {
    const button = make("button", { type: "button", textContent: "Done" });
    button.ariaLabel = `Done: step ${step.dataset.step}`;
    button.addEventListener("click", () => toggle(step.id));
    const place = make("div", { className: "step-done" });
    place.append(button);
    step.after(place);
    return button;
  });

  // The theme has the table of contents twice: in the sidebar, and in a telephone's menu.
  const lists = steps.length ? [...document.querySelectorAll(".md-nav--secondary > .md-nav__list")] : [];
  const marks = lists.flatMap((list) =>
    steps.map((step) => {
      const link = list.querySelector(`a[href="#${CSS.escape(step.id)}"] .md-ellipsis`);
      const mark = make("span", { className: "step-mark", textContent: "✓", role: "img" });
      mark.ariaLabel = "(done)";
      link?.append(mark);
      return { id: step.id, mark };
    })
  );
  const summaries = lists.map((list) => {
    const summary = make("div", { className: "lesson-progress" });
    const bar = make("progress", { max: steps.length, ariaLabel: "Steps done" });
    const text = make("span", {});
    const button = make("button", { type: "button" });
    button.addEventListener("click", clear);
    summary.append(bar, text, button);
    list.before(summary);
    return { bar, text, button };
  });
  const header = make("span", { className: "lesson-step" });
  if (steps.length) document.querySelector("[data-md-component=header-topic]")?.append(header);

  function timeLeft(count) {
    const minutes = (Number(lesson.dataset.minutes) * (steps.length - count)) / steps.length;
    if (!minutes) return "";
    const rounded = Math.max(5, Math.round(minutes / 5) * 5);
    const [h, min] = [Math.floor(rounded / 60), rounded % 60];
    return `about ${[h && `${h} h`, min && `${min} min`].filter(Boolean).join(" ")} left`;
  }

  /* Show what is done. */
  function show() {
    const ids = done();
    for (const [number, button] of buttons.entries()) {
      button.ariaPressed = ids.includes(steps[number].id);
    }
    for (const { id, mark } of marks) mark.hidden = !ids.includes(id);
    const left = steps.length ? timeLeft(ids.length) : "";
    for (const { bar, text, button } of summaries) {
      bar.value = ids.length;
      text.textContent = [`${ids.length} of ${steps.length} steps done`, left].filter(Boolean).join(", ");
      button.textContent = cleared ? "Undo" : "Clear";
      button.ariaLabel = cleared ? "Undo: bring the marks back" : "Clear the marks of this page";
      button.hidden = !ids.length && !cleared;
    }
    header.dataset.left = left && ` · ${left}`;
    for (const link of document.querySelectorAll(".md-nav--primary a.md-nav__link")) {
      const { done: theirs, of } = all[address(link.href)] ?? {};
      link.querySelector(".steps-done")?.remove();
      if (theirs?.length && of) {
        const textContent = `${theirs.length} of ${of} steps`;
        link.querySelector(".md-ellipsis")?.append(make("small", { className: "steps-done", textContent }));
      }
    }
  }

  /* Show which step is being read. */
  function follow() {
    const line = innerHeight * READ_AT;
    const number = steps.findLastIndex((step) => step.getBoundingClientRect().top < line);
    const of = steps.length;
    if (number < 0) header.textContent = `${of} steps`;
    // A part of a chapter goes on counting where the one before stopped.
    else if (steps[0].dataset.step === "1") header.textContent = `Step ${number + 1} of ${of}`;
    else header.textContent = `Step ${steps[number].dataset.step} (${number + 1} of ${of})`;
  }

  if (steps.length) {
    let waiting = false;
    const onScroll = () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        follow();
      });
    };
    addEventListener("scroll", onScroll, { passive: true });
    addEventListener("resize", onScroll);
    follow();
  }
  addEventListener("storage", (event) => {
    if (event.key !== KEY && event.key !== null) return;
    all = load();
    show();
  });
  show();
})();
