// The connection: one at a time, reopened when it breaks, and asked for what was missed.
const content = document.querySelector("#content");
const status = document.querySelector("#status");

const SYNC_INTERVAL = 30_000; // milliseconds
const NOT_CONNECTED = "Not connected. Trying again …";
const REASONS = {
  4401: "Your login has ended or changed. Copy your text, then reload the page.",
  4403: "You don't take part in this conversation.",
};

let socket = null; // htmx's, while it's open
let syncPending = false;
let syncTimer;
let synced = document.querySelector("#synced"); // each answer to a sync replaces it

// Wait a random time before each attempt, ten seconds at most.
htmx.config.wsReconnectDelay = (retries) => Math.random() * Math.min(2 ** retries, 10) * 1000;

// Close the old socket before opening a new one: htmx would keep both.
let latest = null;
htmx.createWebSocket = (url) => {
  if (latest) {
    latest.onopen = latest.onclose = latest.onerror = null;
    latest.close();
  }
  const opening = (latest = new WebSocket(url));
  // A browser would wait minutes for a handshake that never gets an answer.
  setTimeout(() => opening.readyState === WebSocket.CONNECTING && opening.close(), SYNC_INTERVAL);
  return opening;
};

// Send the cursor. Without an answer in time, the socket is dead.
function sync() {
  const frame = { sync: Number(synced.value), user: content.dataset.user };
  socket.sendImmediately(JSON.stringify(frame));
  syncPending = true;
  clearTimeout(syncTimer);
  syncTimer = setTimeout(() => {
    status.textContent = NOT_CONNECTED;
    socket.reconnect();
  }, SYNC_INTERVAL);
}

document.addEventListener("htmx:wsOpen", ({ detail }) => {
  socket = detail.socketWrapper;
  status.textContent = "Connected.";
  sync();
});

document.addEventListener("htmx:wsClose", ({ detail }) => {
  const { code } = detail.event;
  socket = null;
  clearTimeout(syncTimer);
  status.textContent = REASONS[code] ?? NOT_CONNECTED;
  if (!REASONS[code] && ![1006, 1011, 1012, 1013].includes(code)) {
    setTimeout(detail.socketWrapper.reconnect, 1000 * (1 + Math.random())); // htmx won't
  }
});

document.addEventListener("htmx:wsAfterMessage", () => {
  const answer = document.querySelector("#synced");
  if (answer !== synced) {
    synced = answer;
    syncPending = false;
    clearTimeout(syncTimer);
    if ("more" in answer.dataset) {
      sync();
    } else {
      syncTimer = setTimeout(sync, SYNC_INTERVAL);
    }
  }
});

document.addEventListener("visibilitychange", () => {
  if (socket && !syncPending && !document.hidden) {
    sync();
  }
});
