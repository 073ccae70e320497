// What of a page cannot be read, or cannot be pressed with a glove. Returns a line for each.
() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (colour) =>
    rgba(colour)
      .slice(0, 3)
      .map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
      .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (rgba(colour)[3] === 255) return colour;
    }
    return getComputedStyle(document.documentElement).backgroundColor;
  };
  const contrast = (element) => {
    const [ink, ground] = [luminance(getComputedStyle(element).color), luminance(behind(element))];
    return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
  };
  const name = (element) => `${element.tagName} ${(element.getAttribute("aria-label") ?? element.textContent).trim().slice(0, 40)}`;
  const says = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());

  const shown = [...(document.querySelector("dialog[open]") ?? document.body).querySelectorAll("*")].filter(
    (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest(".unseen, .skip, svg"),
  );
  // WCAG 2.2, 1.4.3: what is switched off need not stand out.
  const faint = shown
    .filter((element) => says(element) && !element.closest(":disabled"))
    .map((element) => [contrast(element), element])
    .filter(([ratio]) => ratio < 4.5)
    .map(([ratio, element]) => `faint (${ratio.toFixed(2)} : 1): ${name(element)}`);
  // WCAG 2.2, 2.5.5: 44 by 44, but for links that stand in text. A box to tick is pressed with its label.
  const targets = "button, a[href], select, textarea, summary, label.tick, .choices label, input:not([type=checkbox], [type=radio], [type=file])";
  const small = shown
    .filter((element) => element.matches(targets) && !element.matches("p a, td a, dd a"))
    .map((element) => [element.getBoundingClientRect(), element])
    .filter(([{ width, height }]) => Math.min(width, height) < 43.5)
    .map(([{ width, height }, element]) => `small (${Math.round(width)} x ${Math.round(height)}): ${name(element)}`);
  const nameless = shown
    .filter((element) => element.matches("button, a[href]") && !(element.getAttribute("aria-label") ?? element.textContent).trim())
    .map((element) => `nameless: ${element.outerHTML.slice(0, 60)}`);
  // Nothing is wider than its place: what is not seen at first is not found with a glove. A page that is zoomed has keys to move it.
  const wide = shown
    .filter((element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX) && !element.matches(".view") && element.scrollWidth > element.clientWidth + 1)
    .map((element) => `${element.scrollWidth - element.clientWidth} px too wide: ${name(element)}`);
  const whole = document.documentElement.scrollWidth > innerWidth ? ["the page is wider than the screen"] : [];
  return [...faint, ...small, ...nameless, ...wide, ...whole];
}
