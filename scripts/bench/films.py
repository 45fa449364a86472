"""The files that are measured with, made once for a run.

In: a folder. Out: files of about the size that is asked for. Must not: be of content that compresses.
"""

import os
import pathlib

import media

MB = 1_000_000
BLOCK = 1 << 20


class Films:
    """Makes each file when it is first asked for."""

    def __init__(self, home: pathlib.Path, say):
        self._folder = home / "films"
        self._folder.mkdir(exist_ok=True)
        self._say = say

    def progressive(self, mb):
        """An MP4 with its index in front."""
        path = self._folder / f"film-{mb}.mp4"
        if not path.exists():
            self._say(f"making a film of {mb} MB")
            media.make_big(path, mb * MB / media.MIB)
        return path

    def apart(self, mb):
        """The same as picture and sound apart, and the manifest that names both. Returns the folder."""
        folder = self._folder / f"apart-{mb}"
        if not folder.exists():
            film = self.progressive(mb)
            folder.mkdir()
            for name, stream in (("picture.mp4", "0:v:0"), ("sound.m4a", "0:a:0")):
                media.ffmpeg("-i", film, "-map", stream, "-c", "copy", "-movflags", "+faststart", folder / name)
            (folder / "film.mpd").write_text(MANIFEST.format(seconds=media.facts(film).duration))
        return folder

    def noise(self, mb):
        """Random bytes: a file that is no film."""
        path = self._folder / f"noise-{mb}.bin"
        if not path.exists():
            left = mb * MB
            with path.open("wb") as file:
                while left > 0:
                    left -= file.write(os.urandom(min(BLOCK, left)))
        return path


MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"
     mediaPresentationDuration="PT{seconds:.2f}S" minBufferTime="PT2S">
  <Period>
    <AdaptationSet contentType="video" mimeType="video/mp4">
      <Representation id="picture" codecs="avc1.64001f" width="1280" height="720" frameRate="25" bandwidth="24000000">
        <BaseURL>picture.mp4</BaseURL>
      </Representation>
    </AdaptationSet>
    <AdaptationSet contentType="audio" mimeType="audio/mp4">
      <Representation id="sound" codecs="mp4a.40.2" audioSamplingRate="44100" bandwidth="96000">
        <BaseURL>sound.m4a</BaseURL>
      </Representation>
    </AdaptationSet>
  </Period>
</MPD>
"""
