import { useEffect, useState } from 'preact/hooks';

/**
 * Where the page is: what follows '#' in its address, as parts of a path and a query. In the fragment, so that the console
 * needs nothing of the server it is served by and works under any prefix.
 */
export interface Route {
  path: string[];
  query: URLSearchParams;
}

export function parse(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const parts = path.split('/').filter(Boolean).map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return { path: parts, query: new URLSearchParams(query) };
}

/** The fragment of a page; values that are undefined or empty are left out. */
export function link(path: readonly string[], query: Record<string, string | undefined> = {}): string {
  const values = new URLSearchParams(Object.entries(query).filter((e): e is [string, string] => !!e[1]));
  const text = values.toString();
  return `#/${path.map(encodeURIComponent).join('/')}${text ? `?${text}` : ''}`;
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return parse(hash);
}

/** Goes to a page; with 'replace', without a new entry in the history. */
export function go(target: string, replace = false) {
  if (replace) {
    history.replaceState(undefined, '', target);
    dispatchEvent(new HashChangeEvent('hashchange'));
  } else {
    location.hash = target;
  }
}
