import { Icon } from './icons';
import { cycleTheme, theme, type Theme } from './theme';

const THEME_TEXT: Record<Theme, string> = { auto: 'as the system', light: 'light', dark: 'dark' };
const THEME_ICON = { auto: 'auto', light: 'sun', dark: 'moon' } as const;

export function ThemeButton() {
  return (
    <button class="ghost icon-only" type="button" onClick={cycleTheme} data-testid="theme" aria-label={`Colours: ${THEME_TEXT[theme.value]}. Change`} title={`Colours: ${THEME_TEXT[theme.value]}`}>
      <Icon name={THEME_ICON[theme.value]} />
    </button>
  );
}
