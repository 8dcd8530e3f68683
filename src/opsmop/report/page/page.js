"use strict";
(() => {
  const run = JSON.parse(document.getElementById("data").textContent);
  const page = document.getElementById("page");
  const hint = document.getElementById("hint");
  const SIGNS = { failed: "✗", unreachable: "✗", cancelled: "✗", "not contacted": "–", changed: "~", ok: "✓",
    skipped: "–", ran: "$", assumed: "?", ignored: "!" };
  const checking = run.mode === "check";
  const WORDS = checking ? { changed: "would change", ran: "would run", assumed: "may change" } : {};
  const ENDINGS = ["failed", "unreachable", "cancelled", "not contacted", "changed", "ok", "skipped"];

  // Everything that was said on a host is put on the page as text, never as markup.
  function make(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value !== undefined && value !== null && value !== false) made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return made;
  }

  const text = (number) => (number === undefined ? "" : run.texts[number]);
  const word = (kind) => WORDS[kind] || kind;
  const many = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;

  function duration(seconds) {
    if (!seconds) return "0 s";
    if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
    if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
    const whole = Math.round(seconds);
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
    return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
  }

  function bytes(count) {
    const units = ["B", "kB", "MB", "GB"];
    let unit = 0;
    while (count >= 999.5 && unit < 3) { count /= 1000; unit += 1; }
    return `${unit && count < 10 ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
  }

  // web01, web02, web04 -> web[01-02,04]: as the console has it, for names that differ in their last number.
  function folded(names) {
    const parts = names.map((name) => /^([^[\],]*?)(\d{1,9})([^\d[\],]*)$/.exec(name));
    const key = (part, width) => JSON.stringify([part[1], part[3], width]);
    const padded = new Set(parts.filter((part) => part && /^0\d/.test(part[2])).map((part) => key(part, part[2].length)));
    const groups = new Map();
    parts.forEach((part, number) => {
      const own = part ? key(part, part[2].length) : JSON.stringify([names[number]]);
      const shared = part && !padded.has(own) ? key(part, 0) : own;
      groups.set(shared, [...(groups.get(shared) || []), part ? part[2] : null]);
    });
    return [...groups].map(([key, numbers]) => {
      const [before, after] = JSON.parse(key);
      if (after === undefined) return before;
      numbers.sort((one, other) => Number(one) - Number(other));
      const spans = [];
      for (const number of numbers) {
        const last = spans[spans.length - 1];
        if (last && Number(number) === Number(last[1]) + 1) last[1] = number;
        else spans.push([number, number]);
      }
      const inside = spans.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(",");
      return numbers.length > 1 ? `${before}[${inside}]${after}` : `${before}${inside}${after}`;
    }).join(", ");
  }

  function diffed(diff) {
    const kinds = { "+": "added", "-": "removed", "@": "range" };
    const lines = diff.split("\n").map((line) =>
      make("span", { class: /^(\+\+\+|---)/.test(line) ? "range" : kinds[line[0]] }, line));
    return make("pre", { class: "diff" }, ...lines);
  }

  // A message need not repeat what stands above it.
  const shortened = (message, what) => (what && message.startsWith(what) ? message.slice(what.length).replace(/^[:\s]+/, "") : "") || message;

  function failureParts(failure, what) {
    const output = text(failure.stderr) || text(failure.output);
    const both = failure.stderr !== undefined && failure.output !== undefined;
    return [
      make("p", { class: "message" }, shortened(failure.message, what) + (failure.rc === null || failure.message.includes(`status ${failure.rc}`) ? "" : ` (exit status ${failure.rc})`)),
      failure.trace ? make("pre", {}, failure.trace) : null,
      failure.command ? make("pre", {}, `$ ${failure.command}`) : null,
      output ? make("pre", { class: "printed" }, output) : null,
      both ? make("details", {}, make("summary", {}, "all that it printed"), make("pre", { class: "printed" }, text(failure.output))) : null,
      failure.remedy ? make("p", { class: "remedy" }, failure.remedy) : null,
    ];
  }

  // Head

  function head() {
    const bad = run.hosts.filter((host) => ENDINGS.indexOf(host.ending) < 4).length;
    let verdict = ["verdict", checking ? "would end well" : "ended well"];
    if (!run.ended) verdict = ["verdict open", "did not end"];
    else if (bad) verdict = ["verdict bad", `${many(bad, "host")} of ${run.hosts.length} did not end well`];
    else if (run.status && run.status !== 3) verdict = ["verdict bad", `exit status ${run.status}`];
    const facts = [
      new Date(run.began * 1000).toLocaleString(undefined, { dateStyle: "long", timeStyle: "medium" }),
      duration(run.seconds), many(run.hosts.length, "host"),
      run.received ? `${bytes(run.sent)} sent, ${bytes(run.received)} received in ${many(run.trips, "round trip")}` : "",
      `run ${run.name}`,
    ].filter(Boolean);
    page.append(
      make("div", { class: "head" }, make("h1", {}, run.title), make("span", { class: verdict[0] }, verdict[1])),
      make("p", { class: "facts" }, facts.join(" · ")),
    );
    if (run.command.length) page.append(make("p", { class: "facts" }, make("code", {}, run.command.join(" "))));
    if (run.stopped) page.append(make("p", { class: "facts" }, `Stopped: ${run.stopped}${run.left.length ? `. Not run: ${run.left.join(", ")}` : ""}`));
  }

  // Filters

  const wanted = { endings: new Set(), name: "", role: "", order: "worst" };

  function tiles() {
    const box = make("div", { class: "tiles", role: "group", "aria-label": "Show hosts that came to" });
    const always = ["failed", "unreachable", "changed", "ok"];
    for (const ending of ENDINGS) {
      const count = run.hosts.filter((host) => host.ending === ending).length;
      if (!count && !always.includes(ending)) continue;
      const tile = make("button", { type: "button", class: `card tile ${ending.replace(" ", "-")}${count ? "" : " none"}`,
        "data-ending": ending, disabled: count ? false : "" },
      make("b", {}, String(count)), make("span", {}, `${SIGNS[ending]} ${word(ending)}`));
      if (count) {
        tile.setAttribute("aria-pressed", "true");
        tile.addEventListener("click", () => { toggle(ending); show(); });
      }
      box.append(tile);
    }
    page.append(box);
  }

  function toggle(ending) {
    if (wanted.endings.has(ending)) wanted.endings.delete(ending);
    else wanted.endings.add(ending);
    for (const tile of document.querySelectorAll(".tile:not(.none)"))
      tile.setAttribute("aria-pressed", String(!wanted.endings.size || wanted.endings.has(tile.dataset.ending)));
  }

  function chosen() {
    const pattern = wanted.name.trim().toLowerCase();
    const matches = pattern.includes("*")
      ? ((glob) => (name) => glob.test(name))(new RegExp(`^${pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`))
      : (name) => name.includes(pattern);
    const hosts = run.hosts.filter((host) => (!wanted.endings.size || wanted.endings.has(host.ending))
      && matches(host.name.toLowerCase())
      && (!wanted.role || host.contacts.some((number) => run.contacts[number].role === wanted.role)));
    if (wanted.order === "name") hosts.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
    if (wanted.order === "slow") hosts.sort((one, other) => other.seconds - one.seconds);
    return hosts;
  }

  // Failures

  function failures() {
    const groups = new Map();
    const add = (what, failure, host) => {
      // Messages that differ in the host's name and in numbers alone, such as addresses, are one.
      const said = (host ? failure.message.split(host).join("\u0000") : failure.message).replace(/\d+/g, "\u0001");
      const key = JSON.stringify([what, failure.place, said, failure.rc]);
      if (!groups.has(key)) groups.set(key, { what, failure, hosts: [], alike: new Set() });
      groups.get(key).hosts.push(host);
      groups.get(key).alike.add(failure.message);
    };
    if (run.failure) add("the control machine", run.failure, "");
    for (const contact of run.contacts) {
      const failed = contact.resources.filter((resource) => resource.kind === "failed");
      if (!contact.failure || ["ok", "skipped"].includes(contact.status)) continue;
      const same = failed.find((resource) => resource.failure.message === contact.failure.message);
      add(same ? same.what : contact.role, same ? same.failure : contact.failure, contact.host);
    }
    if (!groups.size) return;
    page.append(make("h2", {}, "Failures", make("small", {}, many(groups.size, "reason"))));
    for (const { what, failure, hosts, alike } of [...groups.values()].sort((one, other) => other.hosts.length - one.hosts.length)) {
      const names = hosts.filter(Boolean);
      page.append(make("article", { class: "card failure" },
        make("div", { class: "where" }, make("b", {}, what),
          names.length ? make("span", { class: "hosts" }, folded(names) + (names.length > 1 ? ` (${names.length})` : "")) : null,
          make("span", { class: "place mono" }, failure.place),
          alike.size > 1 ? make("span", { class: "place" }, `as ${hosts[0]} has it`) : null),
        ...failureParts(failure, what)));
    }
  }

  // Timeline

  let list;
  let count;

  function timeline() {
    page.append(make("h2", {}, "Hosts", make("small", {}, "what each did, and when; a click shows all of it")));
    list = make("div", { id: "hosts" });
    count = make("span", { class: "count", role: "status" });
    const roles = [...new Set(run.contacts.map((contact) => contact.role))];
    const tools = make("div", { class: "tools" },
      make("input", { type: "search", placeholder: "host, or web*", "aria-label": "Only hosts named",
        oninput: (event) => { wanted.name = event.target.value; show(); } }),
      roles.length > 1 ? make("select", { "aria-label": "Only hosts of the role", onchange: (event) => { wanted.role = event.target.value; show(); } },
        make("option", { value: "" }, "all roles"), ...roles.map((role) => make("option", { value: role }, role))) : null,
      make("select", { "aria-label": "Order", onchange: (event) => { wanted.order = event.target.value; show(); } },
        make("option", { value: "worst" }, "worst first"), make("option", { value: "slow" }, "slowest first"), make("option", { value: "name" }, "by name")),
      count);
    page.append(make("section", { class: "card" }, tools, legend(), axis(), list));
  }

  function legend() {
    const kinds = [["waiting", "waits for others"], ["connecting", "connecting"], ["ok", "nothing to do"], ["changed", word("changed")],
      ["ran", word("ran")], ["assumed", checking ? "may change" : ""], ["failed", "failed"]];
    return make("div", { class: "legend" }, ...kinds.filter(([, says]) => says).map(([kind, says]) => make("span", {}, make("i", { class: kind }), says)));
  }

  const whole = Math.max(run.seconds, 0.001, ...run.contacts.map((contact) => contact.to));

  function axis() {
    const ticks = make("div", { class: "ticks" });
    for (let number = 0; number <= 5; number += 1) {
      const tick = make("span", {}, duration((whole * number) / 5));
      tick.style.left = `${number * 20}%`;
      ticks.append(tick);
    }
    return make("div", { class: "axis" }, make("span", {}), ticks);
  }

  function bar(kind, from, to, says) {
    const made = make("i", { class: kind, "data-hint": says });
    made.style.left = `${Math.min((100 * from) / whole, 99.8)}%`;
    made.style.width = `${Math.max((100 * (to - from)) / whole, 0)}%`;
    return made;
  }

  function lane(host) {
    const bars = [];
    for (const contact of host.contacts.map((number) => run.contacts[number])) {
      const about = `${contact.role} on ${contact.host}: ${contact.status}, ${duration(contact.to - contact.from)}`;
      if (contact.waited) bars.push(bar("waiting", contact.from - contact.waited, contact.from,
        `waited ${duration(contact.waited)}${contact.waitedFor ? ` for ${contact.waitedFor}` : " for its turn"}`));
      bars.push(bar("contact", contact.from, contact.to, about));
      bars.push(bar(contact.status === "unreachable" ? "unreachable" : "connecting", contact.from, contact.met ?? contact.to,
        contact.met === undefined ? about : `connecting, ${duration(contact.met - contact.from)}`));
      for (const resource of contact.resources) {
        const quiet = resource.kind === "ok" || resource.kind === "skipped";
        if (quiet && resource.to - resource.from < whole / 400) continue;
        bars.push(bar(resource.kind, resource.from, resource.to, `${resource.what}\n${word(resource.kind)}, ${duration(resource.seconds)}`));
      }
    }
    return make("span", { class: "lane", "aria-hidden": "true" }, ...bars);
  }

  function row(host) {
    const ending = host.lost ? "lost" : word(host.ending);
    const box = make("div", { class: "host", "data-host": host.name });
    const head = make("button", { type: "button", class: "row", "aria-expanded": "false", onclick: () => open(box, head, host) },
      make("span", { class: "name" }, make("span", { class: `word ${host.ending.replace(" ", "-")}` }, SIGNS[host.ending]),
        make("b", { title: host.name }, host.name), make("span", { class: `word ${host.ending.replace(" ", "-")}` }, ending)),
      lane(host));
    box.append(head);
    return box;
  }

  function open(box, head, host) {
    const opened = box.classList.toggle("open");
    head.setAttribute("aria-expanded", String(opened));
    if (opened) box.append(more(host));
    else box.lastChild.remove();
  }

  function more(host) {
    const box = make("div", { class: "more" });
    for (const contact of host.contacts.map((number) => run.contacts[number])) {
      const facts = [contact.status, duration(contact.to - contact.from),
        contact.on ? `on ${contact.on}` : "",
        contact.waited ? `waited ${duration(contact.waited)}${contact.waitedFor ? ` for ${contact.waitedFor}` : ""}` : "",
        contact.python ? `Python ${contact.python}` : "", contact.received ? `${bytes(contact.sent)} sent, ${bytes(contact.received)} received` : "",
        contact.beyond ? `nothing predicted beyond ${contact.beyond}` : "",
        contact.leftOut ? "left out of its pool" : ""].filter(Boolean);
      box.append(make("h3", {}, contact.role, make("small", {}, facts.join(" · "))));
      const told = contact.resources.some((resource) => contact.failure && resource.kind === "failed" && resource.failure.message === contact.failure.message);
      if (contact.failure && !told) box.append(make("article", { class: "card failure" }, ...failureParts(contact.failure)));
      if (contact.resources.length) box.append(resources(contact));
    }
    for (const note of run.notes.filter((one) => one.host === host.name)) box.append(make("p", { class: "message" }, `${note.kind === "warning" ? "!" : ">"} ${note.text}`));
    if (!host.contacts.length) box.append(make("p", { class: "empty" }, "No role came to it."));
    return box;
  }

  function resources(contact) {
    const body = make("tbody", {});
    for (const resource of contact.resources) {
      const kind = resource.kind;
      const parts = [make("span", {}, resource.what), resource.note ? make("span", { class: "place" }, `  ${resource.note}`) : null];
      if (resource.failure) parts.push(...failureParts(resource.failure, resource.what));
      if (resource.output !== undefined) parts.push(make("details", {}, make("summary", {}, "output"), make("pre", {}, text(resource.output))));
      if (resource.diff !== undefined) parts.push(diffed(text(resource.diff)));
      body.append(make("tr", {}, make("td", {}, make("span", { class: `word ${kind}` }, `${SIGNS[kind]} ${word(kind)}`)),
        make("td", { class: "what" }, ...parts), make("td", { class: "place mono" }, resource.place), make("td", { class: "number" }, duration(resource.seconds))));
    }
    return make("table", {}, body);
  }

  function show() {
    const hosts = chosen();
    list.replaceChildren(...(hosts.length ? hosts.map(row) : [make("p", { class: "empty" }, "No host is like that.")]));
    count.textContent = hosts.length === run.hosts.length ? many(hosts.length, "host") : `${hosts.length} of ${many(run.hosts.length, "host")}`;
    if (run.hosts.length === 1 && hosts.length === 1) list.querySelector(".row").click();
  }

  // The rest

  function table(title, headings, rows) {
    if (!rows.length) return;
    const cell = (tag, value, number) => make(tag, { class: headings[number].startsWith("#") ? "number" : undefined }, value);
    page.append(make("h2", {}, title), make("section", { class: "card plain" }, make("table", {},
      make("thead", {}, make("tr", {}, ...headings.map((heading, number) => cell("th", heading.replace("#", ""), number)))),
      make("tbody", {}, ...rows.map((values) => make("tr", {}, ...values.map((value, number) => cell("td", value, number))))))));
  }

  function rest() {
    table("Slowest", ["#longest", "resource", "on", "#average", "#hosts", "place"], run.slow.map((one) =>
      [duration(one.longest), one.what, one.host, duration(one.average), String(one.hosts), one.place]));
    const unknown = new Map();
    for (const contact of run.contacts) if (contact.beyond) unknown.set(contact.beyond, [...(unknown.get(contact.beyond) || []), contact.host]);
    table("What check could not predict", ["beyond", "hosts"], [...unknown].map(([place, hosts]) => [place, folded(hosts)]));
    const notes = new Map();
    for (const note of run.notes) if (note.kind !== "prints") {
      const key = JSON.stringify([note.place, note.text]);
      notes.set(key, [...(notes.get(key) || []), note.host]);
    }
    table("Warnings", ["warning", "hosts", "place"], [...notes].map(([key, hosts]) => {
      const [place, says] = JSON.parse(key);
      return [says, folded(hosts.filter(Boolean)), place];
    }));
  }

  page.replaceChildren();
  head();
  tiles();
  failures();
  timeline();
  rest();
  show();

  page.addEventListener("mousemove", (event) => {
    const says = event.target.dataset ? event.target.dataset.hint : undefined;
    hint.hidden = !says;
    if (!says) return;
    hint.textContent = says;
    hint.style.left = `${Math.min(event.clientX + 14, window.innerWidth - hint.offsetWidth - 8)}px`;
    hint.style.top = `${event.clientY + 18}px`;
  });
})();
