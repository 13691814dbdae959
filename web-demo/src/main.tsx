import { render } from 'preact';
import { boot } from './app';
import { App } from './views/App';
import { applyTheme } from './views/theme';
import './styles/base.css';
import './styles/parts.css';
import './styles/entry.css';
import './styles/call.css';
import './styles/tiles.css';
import './styles/panels.css';
import './styles/events.css';

applyTheme();
const root = document.getElementById('app');
if (root) render(<App />, root);
void boot();
