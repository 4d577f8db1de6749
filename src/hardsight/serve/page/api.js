// Calls of the service: with the token of this tab, and errors in the service's own words.

const TOKEN = "hardsight-token";
let asking = null;

export class Refusal extends Error {
  constructor(status, message, wait) {
    super(message);
    this.status = status;
    this.wait = wait;
  }
}

export async function call(path, options = {}) {
  for (;;) {
    const token = sessionStorage.getItem(TOKEN);
    const headers = { ...options.headers, ...(token && { Authorization: `Bearer ${token}` }) };
    let answer;
    try {
      answer = await fetch(path, { ...options, headers });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refusal(0, "The service does not answer. It may have been stopped, or the network is gone.");
    }
    if (answer.status === 401) {
      await askForToken(token, answer.headers.get("WWW-Authenticate") ?? "");
      continue;
    }
    if (!answer.ok) throw await refusal(answer);
    return answer;
  }
}

export const json = async (path, options) => (await call(path, options)).json();

export const send = (path, body) =>
  json(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const sendImage = (path, file, signal) => {
  const form = new FormData();
  form.append("images", file, file.webkitRelativePath || file.name);
  return json(path, { method: "POST", body: form, signal });
};

async function refusal(answer) {
  let words = `The service answered ${answer.status}.`;
  if (/json/.test(answer.headers.get("Content-Type") ?? "")) {
    const told = await answer.json();
    words = `${told.title}: ${told.detail}`;
  }
  return new Refusal(answer.status, words, Number(answer.headers.get("Retry-After")) || 0);
}

function askForToken(used, challenge) {
  if (sessionStorage.getItem(TOKEN) !== used) return Promise.resolve(); // another call asked
  asking ??= new Promise((resolve) => {
    const door = document.getElementById("door");
    const field = document.getElementById("token");
    const why = document.getElementById("door-why");
    why.textContent = challenge.includes("expired")
      ? "The token has expired. Ask who runs the service for a new one."
      : used
        ? "The service does not know this token."
        : "Who runs the service has it; this tab forgets it when it is closed.";
    why.className = used ? "bad" : "quiet";
    field.value = "";
    door.addEventListener(
      "close",
      () => {
        sessionStorage.setItem(TOKEN, field.value.trim());
        asking = null;
        resolve();
      },
      { once: true },
    );
    door.oncancel = (event) => event.preventDefault();
    door.showModal();
  });
  return asking;
}
