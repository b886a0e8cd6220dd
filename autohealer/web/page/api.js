// What is asked of the agent. What changes the pool needs the token, which is asked for when it is needed and kept for
// this tab alone.

const KEY = "autohealer-token";
const SAID_MS = 6000;
const by = (id) => document.getElementById(id);

// The pool that this page shows; null for the only one, or the first.
export const pool = new URLSearchParams(location.search).get("pool");

// The address of a part of the API, for this pool.
export function at(path, query = {}) {
  const all = new URLSearchParams(pool === null ? query : { ...query, pool });
  return `/api/v1/${path}${all.size ? `?${all}` : ""}`;
}

// What is there, or null where the agent does not answer.
export async function read(path, query) {
  try {
    const answer = await fetch(at(path, query), { cache: "no-store" });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

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
    const answer = await withToken((headers) => fetch(at(verb), {
      method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body),
    }));
    if (answer) toast(answer.ok ? done : `✗ ${(await answer.text()).trim()}`);
  } catch {
    toast("✗ the agent does not answer");
  }
}

// What only who has the token may read; null where it is not given, or nothing answers.
export async function readWithToken(path, query) {
  try {
    const answer = await withToken((headers) => fetch(at(path, query), { headers, cache: "no-store" }));
    return answer?.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

export const hasToken = () => sessionStorage.getItem(KEY) !== null;

// The answer to what is sent with the token, which is asked for until it is right; null where that was given up.
async function withToken(send) {
  let answer = await send(headers());
  while (answer.status === 401) {
    const wasGiven = hasToken();
    sessionStorage.removeItem(KEY);
    by("token-where").textContent = (await answer.text()).trim();
    const token = await askForToken(wasGiven);
    if (token === null) return null;
    sessionStorage.setItem(KEY, token);
    answer = await send(headers());
  }
  return answer;
}

function headers() {
  const token = sessionStorage.getItem(KEY);
  return token ? { Authorization: `Bearer ${token}` } : {};
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
