// Keeps the page live: the server says that something changed, the page fetches its telephones and replaces what is
// shown of each, leaving alone what somebody is typing. Without this script the forms work and the page reloads itself.
"use strict";

const home = document.getElementById("phones");
let fetching = false;
let again = false;

async function refresh() {
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  do {
    again = false;
    try {
      const answer = await fetch("/phones");
      if (answer.ok) show(await answer.text());
    } catch {
      // The stream reconnects by itself and asks again.
    }
  } while (again);
  fetching = false;
}

function show(markup) {
  const fresh = new DOMParser().parseFromString(markup, "text/html");
  const shown = [...home.children].map((e) => e.id).join();
  if (shown !== [...fresh.body.children].map((e) => e.id).join()) {
    home.replaceChildren(...fresh.body.children);
    return;
  }
  for (const now of fresh.querySelectorAll("[id]")) {
    const old = document.getElementById(now.id);
    old.className = now.className;
    const [a, b] = [old.querySelector("[data-live]"), now.querySelector("[data-live]")];
    if (a && b && a.innerHTML !== b.innerHTML) a.replaceWith(b);
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.hasAttribute("data-quiet")) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  const text = form.querySelector("input[name=text]");
  if (text) text.value = "";
  try {
    await fetch(form.action, { method: "POST", body, redirect: "manual" });
  } finally {
    refresh();
  }
});

new EventSource("/events").addEventListener("changed", refresh);
