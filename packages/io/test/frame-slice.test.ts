import { readFileSync } from 'node:fs';
import { parseFrameSlice } from '@surprisal/io';
import { describe, expect, it } from 'vitest';
import { readText, refusal } from './read-text.ts';

const SEVEN = Array.from({ length: 7 }, (_, frame) => `1\nframe=${frame}\nH 0 0 ${frame}\n`).join('');

async function framesOf(slice: string, onWarning?: (message: string) => void): Promise<string> {
  const structures = await readText(SEVEN, { frames: parseFrameSlice(slice), onWarning });
  return structures.map((structure) => String(structure.positions[2])).join('');
}

describe('parseFrameSlice', () => {
  it.each([
    ['0:100:5', { start: 0, stop: 100, step: 5 }],
    [':', { start: undefined, stop: undefined, step: 1 }],
    ['-1', { start: -1, stop: undefined, step: 1 }],
    ['5', { start: 5, stop: 6, step: 1 }],
    ['-3', { start: -3, stop: -2, step: 1 }],
    [' 2 : -1 ', { start: 2, stop: -1, step: 1 }],
    ['::-1', { start: undefined, stop: undefined, step: -1 }],
  ])('reads %j', (text, slice) => {
    expect(parseFrameSlice(text)).toEqual(slice);
  });

  it.each(['', 'a', '1:2:3:4', '::0', '1.5', '1e3', '9007199254740993'])('refuses %j', (text) => {
    expect(() => parseFrameSlice(text)).toThrow(/^frames ".*write start:stop:step/);
  });
});

describe('frames that a slice selects', () => {
  it('are those that Python selects', async () => {
    const fixture = new URL('fixtures/python-slices.json', import.meta.url);
    const slices = JSON.parse(readFileSync(fixture, 'utf8')) as [string, string][];
    expect(slices.length).toBe(700);
    for (const [slice, selected] of slices) expect([slice, await framesOf(slice)]).toEqual([slice, selected]);
  });

  it('are single ones too, and a warning says where there is none', async () => {
    expect(await framesOf('3')).toBe('3');
    expect(await framesOf('-1')).toBe('6');
    const warnings: string[] = [];
    expect(await framesOf('9', (message) => warnings.push(message))).toBe('');
    for (const slice of ['0:0', '2:1', '-2:-1:-1', '5:9:-1']) {
      expect(await framesOf(slice, (message) => warnings.push(message))).toBe('');
    }
    const whole = '<input>: none of its 7 frames was selected';
    const part = '<input>: no frame was selected';
    expect(warnings).toEqual([whole, part, part, whole, part]);
  });

  it('leave what lies behind them unread, and pass over the rows of others', async () => {
    const broken = `${SEVEN}1\nframe=7\nH 0 zero 0\n`;
    const frames = async (slice: string) => (await readText(broken, { frames: parseFrameSlice(slice) })).length;
    expect(await frames('0:7')).toBe(7);
    expect(await frames('::5')).toBe(2);
  });

  it('cannot be passed over where the file ends', async () => {
    expect(await refusal(`${SEVEN}9\n\nH 0 0 0\n`, { frames: parseFrameSlice('-2') })).toContain(
      'after 1 of the 9 atoms',
    );
    expect(await refusal(`${SEVEN}9\n\nH 0 0 0\n`, { frames: parseFrameSlice('::20') })).toContain(
      'after 1 of the 9 atoms',
    );
  });
});
