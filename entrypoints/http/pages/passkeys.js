// What stands on /dev/passkeys, over the same API that your own pages would call.

/** Of the session; in this variable only, so that no other page and no later visit finds them. */
let tokens = null;

const $ = (id) => document.getElementById(id);

class Refused extends Error {
  constructor(problem) {
    const more = problem.errors?.map((each) => each.detail) ?? problem.reasons ?? [];
    super([`${problem.status} ${problem.code}: ${problem.detail}`, ...more].join(" · "));
    this.problem = problem;
  }
}

// ---- Calling the API

async function send(method, path, body) {
  const headers = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  if (tokens) headers.Authorization = `Bearer ${tokens.access_token}`;
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const document = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Refused(document);
  return document;
}

/** `send`, and whatever the API asks for before it agrees: a newer token, or a proof. */
async function call(method, path, body) {
  try {
    return await send(method, path, body);
  } catch (refused) {
    switch (refused.problem?.code) {
      case "access_token_invalid":
        await refresh();
        return call(method, path, body);
      case "step_up_required":
        if (refused.problem.enrol_first) throw refused;
        await stepUp();
        return call(method, path, body);
      case "recovery_code_needed":
        return untilRight("Your last factor falls with a recovery code", ["recovery_code"], (proof) =>
          send(method, path, { ...body, ...proof }),
        );
      default:
        throw refused;
    }
  }
}

async function refresh() {
  const { refresh_token } = tokens;
  tokens = null; // whoever cannot refresh is signed out
  tokens = await send("POST", "/v1/sessions/refresh", { refresh_token });
}

// ---- Passkeys: the browser's part, as JSON in and out

async function createPasskey(options) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return (await navigator.credentials.create({ publicKey })).toJSON();
}

async function getPasskey(options) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({ publicKey })).toJSON();
}

// ---- Proving who one is

const FIELDS = { passkey: "passkey", totp: "code", recovery_code: "recovery_code", password: "password" };

/** One proof of those kinds, as the API takes it; a passkey is only chosen here, and made by who asks. */
function ask(title, kinds, told) {
  const dialog = $("proof");
  $("proof-heading").textContent = title;
  $("proof-told").textContent = told;
  const { promise, resolve, reject } = Promise.withResolvers();
  for (const form of dialog.querySelectorAll("form[data-kind]")) {
    form.hidden = !kinds.includes(form.dataset.kind);
    form.reset();
    form.onsubmit = (event) => {
      event.preventDefault();
      resolve({ [FIELDS[form.dataset.kind]]: form.elements.value?.value });
      dialog.close();
    };
  }
  dialog.onclose = () => reject(new Error("Called off."));
  dialog.showModal();
  return promise;
}

/** Ask until `use` accepts the proof; what is refused for another reason than being wrong ends it. */
async function untilRight(title, kinds, use) {
  for (let told = ""; ; ) {
    const proof = await ask(title, kinds, told);
    try {
      return await use(proof);
    } catch (refused) {
      if (!["factor_wrong", "password_wrong"].includes(refused.problem?.code)) throw refused;
      told = refused.message;
    }
  }
}

async function stepUp() {
  const { factors } = await call("GET", "/v1/me/factors");
  const kinds = factors.length ? factors : ["password"];
  tokens = await untilRight("Prove that it is you", kinds, async (proof) => {
    if ("passkey" in proof) {
      const { challenge, options } = await send("POST", "/v1/passkey-sessions/options");
      proof = { challenge, passkey: await getPasskey(options) };
    }
    return send("POST", "/v1/sessions/current/step-up", proof);
  });
}

// ---- Signing in

async function signIn(credentials) {
  const opened = await send("POST", "/v1/sessions", credentials);
  if (opened.status !== "second_factor_required") return opened;
  return untilRight("A second factor is due", opened.factors, async (proof) => {
    if ("passkey" in proof) proof = { passkey: await getPasskey(opened.passkey_options) };
    return send("POST", "/v1/sessions/second-factor", { challenge: opened.challenge, ...proof });
  });
}

async function signInByPasskey() {
  const { challenge, options } = await send("POST", "/v1/passkey-sessions/options");
  return send("POST", "/v1/passkey-sessions", { challenge, passkey: await getPasskey(options) });
}

async function signUp(credentials) {
  const started = Date.now();
  const { status } = await send("POST", "/v1/accounts", credentials);
  if (status === "verification_sent") {
    const token = await mailedToken(credentials.email, started);
    await send("POST", "/v1/accounts/verify", { token, password: credentials.password });
  }
  return signIn(credentials);
}

/** In development the mail can be read here, so nobody need copy the token out of it. */
async function mailedToken(email, since) {
  for (let tries = 0; tries < 20; tries++) {
    const { items } = await send("GET", "/dev/mailbox.json");
    const to = email.trim().toLowerCase();
    const mail = items.find((each) => each.to.toLowerCase() === to && each.token && Date.parse(each.at) >= since);
    if (mail) return mail.token;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error("No mail with a token came. Has the address an account already? The mailbox tells.");
}

// ---- What is shown

const time = (text) => (text ? new Date(text).toLocaleString() : "never");

function tell(text, kind = "done") {
  $("told").textContent = text;
  $("told").dataset.kind = kind;
}

async function show() {
  $("signed-out").hidden = Boolean(tokens);
  $("signed-in").hidden = !tokens;
  if (!tokens) return forget();
  const account = await call("GET", "/v1/me");
  const { factors, recovery_codes_left } = await call("GET", "/v1/me/factors");
  const { items } = await call("GET", "/v1/me/passkeys");
  $("account").textContent = account.email;
  $("aal").textContent = tokens.session.aal;
  $("amr").textContent = tokens.session.amr.join(", ");
  $("authenticated-at").textContent = time(tokens.session.authenticated_at);
  const hasApp = factors.includes("totp");
  $("app-state").textContent = hasApp ? "Enrolled." : "None yet.";
  $("enrol-app").hidden = hasApp;
  $("remove-app").hidden = !hasApp;
  $("recovery-left").textContent = recovery_codes_left;
  $("no-passkeys").hidden = items.length > 0;
  $("passkeys").replaceChildren(...items.map(shownPasskey));
}

function shownPasskey(passkey) {
  const item = $("passkey").content.cloneNode(true);
  const form = item.querySelector("form");
  form.elements.name.value = passkey.name;
  item.querySelector("small").textContent = [
    `made ${time(passkey.created_at)}`,
    `last used ${time(passkey.last_used_at)}`,
    passkey.is_backed_up ? "on more than one device" : "on one device",
  ].join(" · ");
  const path = `/v1/me/passkeys/${passkey.id}`;
  onSubmit(form, async ({ name }, chosen) => {
    if (chosen === "remove") {
      await call("DELETE", path);
      return `Removed “${passkey.name}”.`;
    }
    await call("PATCH", path, { name });
    return `It is called “${name}” now.`;
  });
  return item;
}

/** What was shown once is gone when its owner is. */
function forget() {
  $("enrolment").hidden = $("recovery-codes").hidden = true;
  $("qr").removeAttribute("src");
  $("secret").textContent = "";
  $("recovery-codes").replaceChildren();
}

// ---- What a person does. Each action returns what it did, in words.

const main = document.querySelector("main");

async function act(action) {
  if (main.ariaBusy === "true") return; // the one before may be waiting for its owner
  main.ariaBusy = "true";
  tell("One moment …", "waiting");
  try {
    const done = await action();
    await show();
    tell(done);
  } catch (problem) {
    if (problem.problem?.code === "session_ended") tokens = null;
    tell(problem.message, "refused");
    await show().catch(() => {}); // what failed is told already
  } finally {
    main.ariaBusy = "false";
  }
}

const onClick = (id, action) => $(id).addEventListener("click", () => act(action));

function onSubmit(form, action) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(form));
    act(() => action(fields, event.submitter?.value));
  });
}

onSubmit($("sign-in"), async (credentials, chosen) => {
  tokens = await (chosen === "sign-up" ? signUp : signIn)(credentials);
  $("sign-in").reset();
  return "Signed in.";
});

onClick("sign-in-by-passkey", async () => {
  tokens = await signInByPasskey();
  $("sign-in").reset();
  return "Signed in with a passkey.";
});

onClick("step-up", async () => {
  await stepUp();
  return "Proved once more.";
});

onClick("sign-out", async () => {
  await call("DELETE", "/v1/sessions/current");
  tokens = null;
  return "Signed out.";
});

onSubmit($("register"), async ({ name }) => {
  const { challenge, options } = await call("POST", "/v1/me/passkeys/options");
  const passkey = await createPasskey(options);
  await call("POST", "/v1/me/passkeys", { challenge, passkey, name });
  return `Registered “${name}”.`;
});

onClick("enrol-app", async () => {
  const { secret, qr_svg } = await call("POST", "/v1/me/totp");
  $("qr").src = `data:image/svg+xml,${encodeURIComponent(qr_svg)}`;
  $("secret").textContent = secret;
  $("enrolment").hidden = false;
  return "Now the app: what it shows confirms it.";
});

onSubmit($("confirm-app"), async ({ code }) => {
  tokens = await call("POST", "/v1/me/totp/confirm", { code });
  $("confirm-app").reset();
  $("enrolment").hidden = true;
  $("secret").textContent = "";
  $("qr").removeAttribute("src");
  return "The app is enrolled.";
});

onClick("remove-app", async () => {
  await call("DELETE", "/v1/me/totp");
  return "The app is removed.";
});

onClick("make-recovery-codes", async () => {
  const { recovery_codes } = await call("POST", "/v1/me/recovery-codes");
  const items = recovery_codes.map((code) => {
    const item = document.createElement("li");
    item.append(Object.assign(document.createElement("code"), { textContent: code }));
    return item;
  });
  $("recovery-codes").replaceChildren(...items);
  $("recovery-codes").hidden = false;
  return "Ten new codes. They are shown this once.";
});

if (!isSecureContext || !window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  tell("This browser makes no passkeys here: it is too old, or this address is neither https nor localhost.", "refused");
}
