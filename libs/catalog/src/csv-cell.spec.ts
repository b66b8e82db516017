import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { csvCell } from '#catalog';

/** What an import does with a cell. */
const stripped = (cell: string): string => cell.replace(/^'(?='*[=+\-@\t\r＝＋－＠])/, '');

describe('CSV-1: no text cell is a formula', () => {
  test.each([
    ['=cmd()', "'=cmd()"],
    ['=', "'="],
    ['+1', "'+1"],
    ['-x', "'-x"],
    ['-12.5', "'-12.5"],
    ['@x', "'@x"],
    ['\t=1', "'\t=1"],
    ['\r=1', "'\r=1"],
    ['＝1+1', "'＝1+1"],
    ['－x', "'－x"],
  ])('%j has an apostrophe before it', (text, cell) => {
    expect(csvCell(text)).toBe(cell);
  });

  test.each(['1+1', 'a=b', ' =1', '新市橋下游', "'quoted'", '"=1"', '', '00123'])('%j stands as it is', (text) => {
    expect(csvCell(text)).toBe(text);
  });

  test.each([
    [-12.5, '-12.5'],
    [0, '0'],
    [-0, '0'],
    [1e-7, '1e-7'],
    [120.1234567, '120.1234567'],
  ])('the number %d is no text', (value, cell) => {
    expect(csvCell(value)).toBe(cell);
  });

  test('a list that begins like one', () => {
    expect(csvCell(['-x', '=1'])).toBe("'-x; =1");
  });

  test('whoever takes the apostrophe away has the text as it was, whatever it was', () => {
    const texts = fc.string({
      unit: fc.constantFrom("'", '=', '+', '-', '@', '\t', '\r', '＝', 'a', ' ', '"'),
      maxLength: 6,
    });
    fc.assert(
      fc.property(texts, (text) => {
        expect(csvCell(text)).not.toMatch(/^[=+\-@\t\r＝＋－＠]/);
        expect(stripped(csvCell(text))).toBe(text);
      }),
    );
  });
});

describe('cells', () => {
  test.each([undefined, null, []])('nothing: %j', (value) => {
    expect(csvCell(value)).toBe('');
  });

  test.each([
    [true, 'true'],
    [false, 'false'],
    [['flood'], 'flood'],
    [['flood', 'river'], 'flood; river'],
    [['a; b', 'c'], '["a; b","c"]'],
    [['[a]'], '["[a]"]'],
    [[{ kind: 'gauge_board' }], '[{"kind":"gauge_board"}]'],
    [{ 'zh-Hant': '新市橋' }, '{"zh-Hant":"新市橋"}'],
  ])('%j', (value, cell) => {
    expect(csvCell(value)).toBe(cell);
  });
});
