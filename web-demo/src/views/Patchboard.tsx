/** The picture on the way in: a jack field with two patched cords. */

const COLUMNS = [0, 1, 2, 3, 4, 5, 6, 7];
const ROWS = [0, 1, 2];
const LIT = new Set(['1-0', '4-2', '3-1', '6-0']);

export function Patchboard() {
  return (
    <svg class="patchboard" viewBox="0 0 344 124" aria-hidden="true" focusable="false">
      {ROWS.flatMap((row) =>
        COLUMNS.map((column) => (
          <g key={`${column}-${row}`} class={LIT.has(`${column}-${row}`) ? 'jack lit' : 'jack'}>
            <circle cx={32 + column * 40} cy={24 + row * 38} r="9" />
            <circle class="hole" cx={32 + column * 40} cy={24 + row * 38} r="3.500" />
          </g>
        )),
      )}
      <path class="cord cord-a" d="M72 24c4 70 104 128 120 76" />
      <path class="cord cord-b" d="M152 62c0 56 116 40 120-38" />
    </svg>
  );
}
