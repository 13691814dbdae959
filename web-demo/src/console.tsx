import { render } from 'preact';
import { boot } from './console/session';
import { ConsoleApp } from './views/console/ConsoleApp';
import { applyTheme } from './views/theme';
import './styles/base.css';
import './styles/parts.css';
import './styles/entry.css';
import './styles/panels.css';
import './styles/events.css';
import './styles/console.css';

applyTheme();
const root = document.getElementById('app');
if (root) render(<ConsoleApp />, root);
void boot();
