export function Fact({ name, value, testId, mono = false }: { name: string; value: string; testId?: string; mono?: boolean }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd class={mono ? 'mono' : undefined} data-testid={testId}>
        {value}
      </dd>
    </div>
  );
}

export function ms(value: number | null): string {
  if (value === null) return '–';
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}
