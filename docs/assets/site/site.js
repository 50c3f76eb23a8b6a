/* What the pages do in a browser: their diagrams, and names for parts that a screen reader meets. */
(() => {
  const here = document.currentScript.src;
  // What a diagram may shrink to; one that does not fit even so is scrolled, and is larger then.
  const SMALLEST = 0.65;
  const SCROLLED = 0.85;
  // What may be wider than its column.
  const KINDS = ".diagram, .md-typeset__scrollwrap, .md-content pre > code";
  // Pictures with one window in the middle. All others show two windows, side by side.
  const ONE_WINDOW = /\/(01_http_only|06_list|06_logged_out|06_offline)(-dark)?\.webp$/;
  const diagrams = [...document.querySelectorAll(".diagram")];

  const load = (name) =>
    new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = new URL(name, here);
      script.onload = done;
      script.onerror = failed;
      document.head.append(script);
    });

  /* Draw them in the colours that the page has now. */
  async function draw() {
    const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
    const [ink, line, paper, box, tint] = ["ink", "line", "paper", "box", "tint"].map((name) =>
      colour(`--diagram-${name}`)
    );
    mermaid.initialize({
      startOnLoad: false,
      theme: "base",
      look: "classic",
      sequence: { mirrorActors: false, useMaxWidth: true, diagramMarginX: 8, width: 110, actorMargin: 16 },
      flowchart: { useMaxWidth: true },
      themeVariables: {
        useGradient: false,
        dropShadow: "none",
        fontFamily: getComputedStyle(document.body).fontFamily,
        fontSize: "16px",
        background: paper,
        primaryColor: box,
        primaryTextColor: ink,
        primaryBorderColor: line,
        secondaryColor: tint,
        tertiaryColor: paper,
        lineColor: line,
        textColor: ink,
        edgeLabelBackground: paper,
        clusterBkg: tint,
        clusterBorder: line,
        noteBkgColor: tint,
        noteTextColor: ink,
        noteBorderColor: line,
        actorLineColor: line,
        activationBkgColor: tint,
        activationBorderColor: line,
        signalColor: line,
        signalTextColor: ink,
        labelBoxBkgColor: tint,
        labelBoxBorderColor: line,
        labelTextColor: ink,
        loopTextColor: ink,
      },
    });
    for (const [number, diagram] of diagrams.entries()) {
      const source = diagram.querySelector("pre");
      let drawing = diagram.querySelector("div");
      if (!drawing) {
        drawing = document.createElement("div");
        diagram.append(drawing);
      }
      const { svg } = await mermaid.render(`diagram-${number}`, source.textContent);
      drawing.innerHTML = svg;
      source.hidden = true;
      const drawn = drawing.querySelector("svg");
      const width = drawn.viewBox.baseVal.width;
      const fits = width * SMALLEST <= diagram.clientWidth;
      drawn.style.minWidth = `${width * (fits ? SMALLEST : SCROLLED)}px`;
    }
    document.body.dataset.diagrams = document.body.dataset.mdColorScheme;
  }

  /* What is wider than its column is scrolled, from the keyboard too, and shows where it goes on. */
  const wide = new ResizeObserver((changes) => {
    for (const { target } of changes) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
      showEdges(target);
    }
  });

  function showEdges(box) {
    const hidden = box.scrollWidth - box.clientWidth;
    // Zoomed pages scroll by parts of a pixel.
    box.classList.toggle("goes-on-left", hidden > 0 && box.scrollLeft > 1);
    box.classList.toggle("goes-on-right", hidden - box.scrollLeft > 1);
  }

  /* Let a stylesheet show each window of a picture by itself, since both are too much for a telephone. */
  function cutPictures() {
    for (const picture of document.querySelectorAll(".md-content img[src$='.webp']")) {
      const window = document.createElement("span");
      window.className = `window ${ONE_WINDOW.test(picture.src) ? "middle" : "left"}`;
      picture.replaceWith(window);
      window.append(picture);
      if (window.matches(".middle")) continue;
      const other = window.cloneNode(true);
      other.className = "window right";
      other.firstChild.alt = "";
      window.after(other);
    }
  }

  /* The theme makes some of its parts when the page is there, and gives them no names. */
  function name() {
    document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
    for (const buttons of document.querySelectorAll(".md-code__nav")) buttons.role = "none";
    for (const box of document.querySelectorAll(KINDS)) {
      wide.observe(box);
    }
  }

  // A scroll doesn't bubble, but it's captured on its way down.
  const onScroll = ({ target }) => target.matches?.(KINDS) && showEdges(target);
  document.addEventListener("scroll", onScroll, { capture: true, passive: true });

  cutPictures();
  name();
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true });

  if (diagrams.length) {
    const scheme = { attributes: true, attributeFilter: ["data-md-color-scheme"] };
    let drawn = load("mermaid.tiny.js").then(draw);
    new MutationObserver(() => (drawn = drawn.then(draw))).observe(document.body, scheme);
  }
})();
