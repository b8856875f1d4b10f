import { describe, expect, it } from "vitest";

import { parseStoryboard, tileAt } from "./storyboard";

const VTT = `WEBVTT

NOTE made by nobody

00:00.000 --> 00:05.000
sprite-1.jpg#xywh=0,0,160,90

2
00:00:05.000 --> 01:00:10.500
sprite-2.jpg#xywh=160,90,160,90

00:00:10.500 --> 00:00:12.000
no region here
`;
const tiles = parseStoryboard(VTT, "/v/k3v9m2qx7ahd/1/thumbs/storyboard.vtt");

it("reads cues with and without hours and passes over what is none", () => {
  expect(tiles).toEqual([
    { fromS: 0, untilS: 5, url: "/v/k3v9m2qx7ahd/1/thumbs/sprite-1.jpg", x: 0, y: 0, width: 160, height: 90 },
    { fromS: 5, untilS: 3610.5, url: "/v/k3v9m2qx7ahd/1/thumbs/sprite-2.jpg", x: 160, y: 90, width: 160, height: 90 },
  ]);
});

it("never leaves the site", () => {
  const [tile] = parseStoryboard("00:00.000 --> 00:05.000\nhttps://elsewhere.example/a.jpg#xywh=0,0,1,1", "/v/x.vtt");
  expect(tile?.url).toBe("/a.jpg");
});

describe("the tile at a time", () => {
  it.each([
    [0, 0],
    [4.99, 0],
    [5, 160],
    [99_999, 160],
  ])("%s s", (timeS, x) => {
    expect(tileAt(tiles, timeS)?.x).toBe(x);
  });
  it("is none without tiles", () => {
    expect(tileAt([], 3)).toBeNull();
  });
});
