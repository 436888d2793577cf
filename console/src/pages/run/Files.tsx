import { addressOf, api, ask } from '../../api/client';
import { useLoaded } from '../../api/useLoaded';
import { bytes } from '../../parts/format';
import { Problem } from '../../parts/Problem';

const isPicture = (path: string) => /\.(svg|png|jpe?g|gif|webp)$/i.test(path);

/** Files and figures that stages kept beside their run. */
export function Files({ run, live }: { run: string; live: boolean }) {
  const files = useLoaded(() => ask(api.GET('/api/v1/runs/{id}/artifacts', { params: { path: { id: run } } })), [run, live], live ? 3000 : 0);
  if (!files.data) return <Problem error={files.error} />;
  if (files.data.length === 0) return <p class="empty">Its stages kept no files or figures. <code>Track.Figure</code> and <code>Track.Artifact</code> do.</p>;
  // As the file's digest is part of the address, a browser keeps it.
  const address = (path: string, digest: string) => `${addressOf('runs', run, 'artifacts')}/${path.split('/').map(encodeURIComponent).join('/')}?d=${encodeURIComponent(digest.slice(0, 12))}`;
  return (
    <>
      <div class="figures">
        {files.data.filter((f) => isPicture(f.path)).map((f) => (
          <figure key={f.path}>
            <a href={address(f.path, f.digest)}><img src={address(f.path, f.digest)} alt={f.path} loading="lazy" /></a>
            <figcaption>{f.path}</figcaption>
          </figure>
        ))}
      </div>
      <table class="list">
        <thead><tr><th>File</th><th>Stage</th><th class="num">Size</th></tr></thead>
        <tbody>
          {files.data.map((f) => (
            <tr key={f.path}><td><a href={address(f.path, f.digest)} download>{f.path}</a></td><td>{f.stage}</td><td class="num">{bytes(Number(f.bytes))}</td></tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
