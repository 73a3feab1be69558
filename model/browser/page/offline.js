/** Keeps the page's files on the device, so that it opens without a network; what the host has anew comes first. */
const CACHE = "emoscope-live";

self.addEventListener("install", (event) => {
  const keep = async () => {
    const names = await (await fetch("files.json")).json();
    await (await caches.open(CACHE)).addAll(["./", ...names]);
  };
  event.waitUntil(keep());
});

self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== location.origin) return;
  const answer = async () => {
    try {
      return await fetch(event.request);
    } catch (error) {
      const kept = await caches.match(event.request, { ignoreSearch: true });
      if (kept) return kept;
      throw error;
    }
  };
  event.respondWith(answer());
});
