"""Plays files in Debian's Chromium, one page for all. In: an address and a list of files as JSON. Out: a JSON line, what each file showed and played."""

import asyncio
import json
import sys

from playwright.async_api import async_playwright

# At once: more only wait for each other on small machines.
AT_ONCE = 4
PATIENCE_MS = 40_000
PLAY = """
async file => {
  const heard = async () => {
    const bytes = await (await fetch(file.url)).arrayBuffer();
    const sound = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(bytes);
    const power = (from, to) => {
      const samples = sound.getChannelData(0).subarray(from * 48000, to * 48000);
      return samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(samples.length, 1);
    };
    return {seconds: sound.duration, begin: power(0.1, 0.6), end: power(sound.duration - 0.6, sound.duration - 0.1)};
  };
  const event = (media, name) => new Promise((done, failed) => {
    media.addEventListener(name, done, {once: true});
    media.addEventListener('error', () => failed(new Error(`${name}: ${media.error.code} ${media.error.message}`)), {once: true});
  });
  // What is seen, as 16 x 9 colours.
  const seen = media => {
    const canvas = new OffscreenCanvas(16, 9), pen = canvas.getContext('2d');
    pen.drawImage(media, 0, 0, 16, 9);
    return Array.from(pen.getImageData(0, 0, 16, 9).data).filter((_, place) => place % 4 != 3);
  };
  const colours = pixels => new Set(pixels.map((_, place) => place % 3 ? '' : pixels.slice(place, place + 3).join())).size - 1;
  const told = {name: file.name};
  if (file.needs && !document.createElement('video').canPlayType(file.needs)) return {...told, unable: true};
  try {
    if (file.element === 'img') {
      const image = new Image();
      image.src = file.url;
      await image.decode();
      return {...told, size: [image.naturalWidth, image.naturalHeight], colours: [colours(seen(image))]};
    }
    const media = document.createElement(file.element);
    media.muted = true;
    media.preload = 'auto';
    document.body.append(media);
    const ready = event(media, 'loadedmetadata');
    media.src = file.url;
    await ready;
    Object.assign(told, {seconds: media.duration, size: [media.videoWidth ?? 0, media.videoHeight ?? 0], seekable: media.seekable.length});
    const played = new Promise(done => media.addEventListener('timeupdate', () => { if (media.currentTime > 0.1) done(); }));
    await media.play();
    await Promise.race([played, event(media, 'error')]);
    told.played = media.currentTime;
    media.pause();
    const [places, pictures] = [[media.duration / 2, media.duration - 0.2], []];
    told.sought = [];
    for (const place of places) {
      const sought = event(media, 'seeked');
      media.currentTime = place;
      await sought;
      told.sought.push([place, media.currentTime, media.readyState]);
      if (file.element === 'video') pictures.push(seen(media));
    }
    told.colours = pictures.map(colours);
    told.moved = pictures.length > 1 && pictures[0].some((value, place) => Math.abs(value - pictures[1][place]) > 8);
    if (file.sound) told.heard = await heard();
    media.remove();
  } catch (error) {
    told.error = String(error);
  }
  return told;
}
"""


async def run(page_address, files):
    """All of them, a few at a time."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"])
        page = await browser.new_page()
        await page.goto(page_address)
        gate = asyncio.Semaphore(AT_ONCE)

        async def play(file):
            async with gate:
                try:
                    return await asyncio.wait_for(page.evaluate(PLAY, file), PATIENCE_MS / 1000)
                except asyncio.TimeoutError:
                    return {"name": file["name"], "error": "it hangs"}

        told = await asyncio.gather(*(play(file) for file in files))
        await browser.close()
        return told


print(json.dumps(asyncio.run(run(sys.argv[1], json.loads(sys.argv[2])))))
