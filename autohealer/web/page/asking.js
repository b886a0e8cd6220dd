// What changes the pool: asked for with the token, which is asked for when it is needed and kept for this tab alone.

const KEY = "autohealer-token";
const SAID_MS = 6000;
const by = (id) => document.getElementById(id);

let hiding = 0;
export function toast(text) {
  const node = by("toast");
  node.textContent = text;
  node.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { node.hidden = true; }, SAID_MS);
}

export async function ask(verb, body, done) {
  try {
    let answer = await post(verb, body);
    while (answer.status === 401) {
      const wasGiven = sessionStorage.getItem(KEY) !== null;
      sessionStorage.removeItem(KEY);
      const token = await askForToken(wasGiven);
      if (token === null) return;
      sessionStorage.setItem(KEY, token);
      answer = await post(verb, body);
    }
    toast(answer.ok ? done : `✗ ${(await answer.text()).trim()}`);
  } catch {
    toast("✗ the agent does not answer");
  }
}

function post(verb, body) {
  const headers = { "Content-Type": "application/json" };
  const token = sessionStorage.getItem(KEY);
  if (token) headers.Authorization = `Bearer ${token}`;
  return fetch(`/api/v1/${verb}`, { method: "POST", headers, body: JSON.stringify(body) });
}

// Whenever it is sent off, it is not to load another page.
by("ask-form").addEventListener("submit", (event) => event.preventDefault());

// What was typed; null where it was given up.
function askForToken(wasWrong) {
  const dialog = by("ask");
  by("wrong").hidden = !wasWrong;
  by("token").value = "";
  if (!dialog.open) dialog.showModal();
  by("token").focus();
  return new Promise((resolve) => {
    const end = (value) => {
      by("ask-form").onsubmit = by("ask-cancel").onclick = dialog.oncancel = null;
      by("token").value = "";
      dialog.close();
      resolve(value);
    };
    by("ask-form").onsubmit = () => {
      // A header takes no more than these.
      const typed = by("token").value.replace(/[^\x21-\x7e]/g, "");
      end(typed || null);
    };
    by("ask-cancel").onclick = () => end(null);
    dialog.oncancel = () => end(null);
  });
}
