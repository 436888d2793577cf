import { api, ask, hostAddress } from './api/client';
import { useLoaded } from './api/useLoaded';
import { Compare } from './pages/Compare';
import { Objects, StoredObject } from './pages/Objects';
import { Pipeline } from './pages/Pipeline';
import { Pipelines } from './pages/Pipelines';
import { Run } from './pages/Run';
import { Runs } from './pages/Runs';
import { Trigger, Triggers } from './pages/Triggers';
import { link, useRoute, type Route } from './router';
import mark from './mark.svg';

const places = [['runs', 'Runs'], ['pipelines', 'Pipelines'], ['triggers', 'Triggers'], ['objects', 'Objects']] as const;

export function App() {
  const route = useRoute();
  const info = useLoaded(() => ask(api.GET('/api/v1/info')), [], 10_000);
  const section = route.path[0] === 'compare' ? 'runs' : (route.path[0] ?? 'runs');
  return (
    <div class="shell">
      <nav class="main" aria-label="Main">
        <a class="brand" href={link(['runs'])}><img src={mark} alt="" width="26" height="26" /> Gristmill</a>
        {places.map(([path, title]) => <a key={path} href={link([path])} aria-current={section === path ? 'page' : undefined}>{title}</a>)}
        <span class="grow" />
        <a href={hostAddress('/orleans')}>Orleans</a>
        <p class="faint">{info.error ? <strong class="warn">not reached</strong> : info.data && <>{info.data.cluster} · {info.data.version}</>}</p>
      </nav>
      <main>
        <Page {...route} />
      </main>
    </div>
  );
}

function Page({ path, query }: Route) {
  const [section = 'runs', name] = path;
  switch (section) {
    case 'runs':
      return name === undefined
        ? <><header class="page-head"><h1>Runs</h1></header><Runs query={query} /></>
        : <Run key={name} id={name} query={query} />;
    case 'compare':
      return <Compare query={query} />;
    case 'pipelines':
      return name === undefined ? <Pipelines /> : <Pipeline key={name} name={name} query={query} />;
    case 'triggers':
      return name === undefined ? <Triggers query={query} /> : <Trigger key={name} name={name} query={query} />;
    case 'objects':
      return name === undefined ? <Objects query={query} /> : <StoredObject key={name} id={name} />;
    default:
      return <p class="empty">There is no such page. <a href={link(['runs'])}>Runs</a></p>;
  }
}
