// Preview pictures by time: a WebVTT file whose cues name regions of sprite sheets (`sprite-1.jpg#xywh=0,0,160,90`). Pure.

export interface Tile {
  fromS: number;
  untilS: number;
  url: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

const CUE = /^(?:(\d+):)?(\d\d):(\d\d)\.(\d{3}) --> (?:(\d+):)?(\d\d):(\d\d)\.(\d{3})/;
const REGION = /^([^#\s]+)#xywh=(\d+),(\d+),(\d+),(\d+)$/;

/** Tiles in the order of the file; `base` is the file's own address. Lines that are no cues are passed over. */
export function parseStoryboard(vtt: string, base: string): Tile[] {
  const lines = vtt.split(/\r?\n/);
  return lines.flatMap((line, index) => {
    const time = CUE.exec(line);
    const region = REGION.exec(lines[index + 1]?.trim() ?? "");
    if (!time || !region) return [];
    const [x, y, width, height] = region.slice(2).map(Number) as [number, number, number, number];
    const url = new URL(region[1] ?? "", new URL(base, "http://page.invalid"));
    return [{ fromS: seconds(time, 1), untilS: seconds(time, 5), url: url.pathname, x, y, width, height }];
  });
}

/** The tile that shows `timeS`, the last one past the end. */
export function tileAt(tiles: readonly Tile[], timeS: number): Tile | null {
  return tiles.find((tile) => timeS < tile.untilS) ?? tiles.at(-1) ?? null;
}

function seconds(match: RegExpExecArray, at: number): number {
  const [h, m, s, ms] = [0, 1, 2, 3].map((offset) => Number(match[at + offset] ?? 0)) as [number, number, number, number];
  return h * 3600 + m * 60 + s + ms / 1000;
}
