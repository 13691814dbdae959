import { describe, expect, test } from 'vitest';
import { formatLayer, inferLayer, parseScalabilityMode } from './layers';

const hd = { width: 1280, height: 720, fps: 30 };
const S3T3 = { spatial: 3, temporal: 3 };

describe('scalability modes', () => {
  test('give the number of layers', () => {
    expect(parseScalabilityMode('S3T3')).toEqual(S3T3);
    expect(parseScalabilityMode('L1T2')).toEqual({ spatial: 1, temporal: 2 });
    expect(parseScalabilityMode('L3T3_KEY')).toEqual(S3T3);
  });

  test('that are missing or odd mean one layer', () => {
    for (const odd of [undefined, '', 'S0T0', 'X3T3', 'L']) expect(parseScalabilityMode(odd)).toEqual({ spatial: 1, temporal: 1 });
  });
});

describe('the layer that arrives', () => {
  test('is told by the size of its picture', () => {
    const spatial = (width: number, height: number) => inferLayer({ width, height, fps: 30 }, hd, S3T3).spatial;
    expect([spatial(1280, 720), spatial(640, 360), spatial(320, 180)]).toEqual([2, 1, 0]);
  });

  test('is told in spite of a sender that scales a little for lack of bandwidth', () => {
    expect(inferLayer({ width: 960, height: 540, fps: 30 }, hd, S3T3).spatial).toBe(2);
    expect(inferLayer({ width: 480, height: 270, fps: 30 }, hd, S3T3).spatial).toBe(1);
  });

  test('is the same when a phone is turned', () => {
    expect(inferLayer({ width: 360, height: 640, fps: 30 }, hd, S3T3).spatial).toBe(1);
  });

  test('has its frames, or half or a quarter of them', () => {
    const temporal = (fps: number) => inferLayer({ ...hd, fps }, hd, S3T3).temporal;
    expect([temporal(29), temporal(15), temporal(8), temporal(2)]).toEqual([2, 1, 0, 0]);
  });

  test('is not guessed where the sender does not say how large its picture is', () => {
    expect(inferLayer(hd, null, S3T3)).toEqual({ spatial: null, temporal: null });
    expect(inferLayer({ width: 0, height: 0, fps: 0 }, hd, S3T3)).toEqual({ spatial: null, temporal: null });
  });

  test('needs no guess where there is only one', () => {
    expect(inferLayer({ ...hd, width: 100 }, null, { spatial: 1, temporal: 1 })).toEqual({ spatial: 0, temporal: 0 });
  });

  test('never lies outside of what there is, though the picture be larger than announced', () => {
    expect(inferLayer({ width: 3840, height: 2160, fps: 60 }, hd, S3T3)).toEqual({ spatial: 2, temporal: 2 });
  });

  test('reads well', () => {
    expect(formatLayer({ spatial: 1, temporal: null }, S3T3)).toBe('S1 T– of S3T3');
    expect(formatLayer({ spatial: 0, temporal: 0 }, { spatial: 1, temporal: 1 })).toBe('single');
  });
});
