// SPDX-License-Identifier: Apache-2.0
// Builds elements. Text always goes in as text nodes, never as markup: metric names come from strangers.

const SVG = "http://www.w3.org/2000/svg";

/** An element: `h("a", { class: "x", href: "#/", onclick: f }, "text", child)`; null and false children are left out. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG elements. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(element, child);
    else element.append(child);
  }
}

/** Replaces what an element holds. */
export function show(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

/** Sets the text of an element only when it changes, so that screen readers and selections are left alone. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A short message in the corner; errors stay longer. */
export function toast(text, kind = "info") {
  const box = h("p", { class: `toast ${kind}` }, text);
  document.getElementById("toasts").append(box);
  setTimeout(() => box.remove(), kind === "error" ? 12000 : 5000);
}

/**
 * Asks in a modal dialog. `content` is shown above the buttons; `act` runs when confirmed, and the dialog stays open with the
 * reason when it throws.
 */
export function ask({ title, content, action, danger = false, act }) {
  return new Promise((resolve) => {
    const problem = h("p", { class: "problem", role: "alert", hidden: true });
    const confirm = h("button", { class: danger ? "danger" : "primary", type: "submit" }, action);
    const cancel = h("button", { type: "button", onclick: () => close(false) }, "Cancel");
    const titleId = `dialog-${Math.random().toString(36).slice(2)}`;
    const form = h("form", { onsubmit: submit },
      h("h2", { id: titleId }, title), content, problem, h("div", { class: "buttons" }, cancel, confirm));
    const dialog = h("dialog", { "aria-labelledby": titleId, oncancel: () => close(false) }, form);
    let done = false;
    async function submit(event) {
      event.preventDefault();
      if (confirm.disabled) return;
      confirm.disabled = true;
      problem.hidden = true;
      try {
        const result = await act(form);
        close(result ?? true);
      } catch (error) {
        problem.hidden = false;
        problem.textContent = error.message;
        confirm.disabled = false;
      }
    }
    function close(result) {
      if (done) return;
      done = true;
      dialog.close();
      dialog.remove();
      resolve(result);
    }
    document.body.append(dialog);
    dialog.showModal();
  });
}
