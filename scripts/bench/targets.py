"""How well a size is hit, how that looks, and what it costs, beside two passes of the ffmpeg program.

In: clips. Out: the worst of all clips and targets; processor time over all of them, and of the worst. Must not: compare unlike sizes: two passes get
the bytes that ours took.
"""

from fractions import Fraction

from tools import Failed, facts, ffmpeg, say, ssim, tgferry, vmaf

# Parts of what the pictures take at a quality that nobody tells from the source; and what sound is given beside them.
PARTS = [0.6, 0.35, 0.2]
SOUND_BIT_RATE = 64_000
FINE_CRF = "18"
PRESET = "veryfast"  # the default of media.preset
KEY_FRAME_S = 5
CLOSE = 0.005


def measure(arguments, clips, folder):
    hits, losses, vmaf_losses, cpus, refused = [], [], [], [], 0
    for name in clips.names:
        source = clips.clip(name)
        fine = folder / "fine.mp4"
        ffmpeg("-i", source, "-c:v", "libx264", "-preset", PRESET, "-crf", FINE_CRF, "-an", fine)
        for part in PARTS:
            target = int(fine.stat().st_size * part + SOUND_BIT_RATE / 8 * facts(fine).seconds)
            ours = folder / "ours.mp4"
            ours.unlink(missing_ok=True)
            try:
                took = tgferry(arguments, "media", "compress", source, "--to", target, "--output", ours)
            except Failed as failure:
                if "slide show" not in str(failure):
                    raise
                say(f"{name} to {target}: {failure}")
                refused += 1
                continue
            of_ours = facts(ours)
            theirs, cpu = two_pass(source, of_ours, folder)
            hit = ours.stat().st_size / target
            loss = ssim(theirs, source, of_ours) - ssim(ours, source, of_ours)
            hits.append(hit)
            losses.append(loss)
            cpus.append((took.cpu, cpu))
            line = f"{name} to {target}: {hit:.4f} of it, {of_ours.width}x{of_ours.height}, SSIM loss {loss:+.4f}, cpu {took.cpu / cpu:.2f}"
            if clips.vmaf_ffmpeg:
                vmaf_losses.append(vmaf(clips.vmaf_ffmpeg, theirs, source, of_ours) - vmaf(clips.vmaf_ffmpeg, ours, source, of_ours))
                line += f", VMAF loss {vmaf_losses[-1]:+.2f}"
            say(line)
    figures = {
        "refused": refused,
        "target_hit_min": min(hits),
        "target_hit_max": max(hits),
        "ssim_loss_max": max(losses),
        "ssim_loss_mean": sum(losses) / len(losses),
        "cpu_vs_two_pass": sum(ours for ours, _ in cpus) / sum(theirs for _, theirs in cpus),
        "cpu_vs_two_pass_max": max(ours / theirs for ours, theirs in cpus),
    }
    if vmaf_losses:
        figures["vmaf_loss_max"] = max(vmaf_losses)
    return figures


def two_pass(source, like, folder):
    """The ffmpeg program's two passes at the same size and resolution, and the processor time of the first try."""
    cpu, rate = None, like.video_bytes * 8 / like.seconds
    key_every = round(Fraction(like.rate) * KEY_FRAME_S)
    for _ in range(3):
        theirs = folder / "theirs.mp4"
        picture = ["-vf", f"fps={like.rate},scale={like.width}:{like.height}:flags=bicubic,format=yuv420p", "-c:v", "libx264"]
        picture += ["-preset", PRESET, "-b:v", int(rate), "-g", key_every, "-passlogfile", folder / "pass"]
        first = ffmpeg("-i", source, *picture, "-pass", "1", "-an", "-f", "null", "/dev/null")
        sound = ["-c:a", "aac", "-b:a", int(like.audio_bytes * 8 / like.seconds), "-movflags", "+faststart"]
        second = ffmpeg("-i", source, *picture, "-pass", "2", *sound, theirs)
        cpu = cpu or first.cpu + second.cpu
        off = facts(theirs).video_bytes / like.video_bytes
        if abs(off - 1) <= CLOSE:
            return theirs, cpu
        rate /= off
    # Close enough to be told: more bytes can only flatter it.
    if off < 1 - 4 * CLOSE:
        raise Failed(f"two passes do not come to the same size: {off:.3f}")
    return theirs, cpu
