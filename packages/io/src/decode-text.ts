const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const latin1 = new TextDecoder('latin1');

/** Bytes as text: UTF-8, and where they are not that (comments of old programs, Å in Latin-1), Latin-1. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= 24) {
    let text = '';
    let at = start;
    for (; at < end && (bytes[at] as number) < 128; at++) text += String.fromCharCode(bytes[at] as number);
    if (at === end) return text;
  }
  // A copy, because decoders refuse views of shared memory.
  const copy = bytes.slice(start, end);
  try {
    return utf8.decode(copy);
  } catch {
    return latin1.decode(copy);
  }
}
