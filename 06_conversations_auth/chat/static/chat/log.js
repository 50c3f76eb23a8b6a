// The list of messages: each once, in order, and its reader left in place.
const content = document.querySelector("#content");
const earlier = document.querySelector("#earlier");
const notice = document.querySelector("#notice");

const numberOf = (item) => Number(item.id.replace("message-", ""));

// Scroll with the conversation, unless its reader has scrolled up.
let following = true;

content.addEventListener("scroll", () => {
  following = content.scrollTop + content.clientHeight > content.scrollHeight - 40;
});

function scrollToEnd() {
  content.scrollTop = content.scrollHeight;
}

// The server writes times in its own time zone; show the reader's.
function localizeTime(item) {
  const time = item.querySelector("time");
  const options = { dateStyle: "short", timeStyle: "short" };
  time.title = time.textContent;
  time.textContent = new Date(time.dateTime).toLocaleString([], options);
}

// Insert a message by its number, unless the list has it already.
function insertMessage(item) {
  if (!document.getElementById(item.id)) {
    localizeTime(item);
    const before = [...content.children].findLast((shown) => numberOf(shown) < numberOf(item));
    before ? before.after(item) : content.prepend(item);
  }
}

function insertMessages(items) {
  const { firstElementChild: first, childElementCount: count } = content;
  const fromEnd = content.scrollHeight - content.scrollTop;
  items.forEach(insertMessage);
  if (following && content.childElementCount > count) {
    scrollToEnd();
  } else if (content.firstElementChild !== first) {
    content.scrollTop = content.scrollHeight - fromEnd; // earlier messages came in above
  }
}

// Move the cursor past every message that follows directly on what the page has.
function advanceCursor() {
  const synced = document.querySelector("#synced");
  for (const item of content.children) {
    if (Number(item.dataset.previous) <= Number(synced.value)) {
      synced.value = Math.max(synced.value, numberOf(item));
    }
  }
}

document.addEventListener("htmx:oobBeforeSwap", ({ detail: { target, fragment } }) => {
  if (target === content) {
    insertMessages([...fragment.children]);
    fragment.replaceChildren(); // what's left is doubles and white space
  }
});

document.addEventListener("htmx:wsAfterMessage", advanceCursor);

// A screen reader that watches the list needn't read out earlier messages.
earlier.addEventListener("htmx:beforeRequest", () => {
  content.parentElement.ariaBusy = "true";
});

earlier.addEventListener("htmx:afterRequest", ({ detail }) => {
  content.parentElement.ariaBusy = "false";
  if (!detail.successful) {
    notice.textContent = "Earlier messages could not be loaded. Try again, or reload the page.";
  } else if (!document.querySelector("#load-earlier")) {
    content.focus(); // the button is gone, and the focus with it
  }
});

[...content.children].forEach(localizeTime);
scrollToEnd();
