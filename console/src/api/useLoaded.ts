import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

export interface Loaded<T> {
  data?: T;
  error?: unknown;
  reload: () => void;
}

/**
 * Loads when what it depends on changes, and every so many milliseconds while the page is seen. An answer that comes after
 * a newer question is dropped; what was loaded stays while the same is loaded again.
 */
export function useLoaded<T>(load: () => Promise<T>, depends: readonly unknown[], every = 0): Loaded<T> {
  const [state, setState] = useState<{ data?: T; error?: unknown }>({});
  const question = useRef(0);
  const ask = useCallback(async () => {
    const mine = ++question.current;
    try {
      const data = await load();
      if (mine === question.current) setState({ data });
    } catch (error) {
      if (mine === question.current) setState((before) => ({ ...before, error }));
    }
    // What the question is made of is named by the caller.
  }, depends);

  useEffect(() => {
    setState({});
    void ask();
    const timer = every > 0 ? setInterval(() => document.hidden || void ask(), every) : undefined;
    return () => {
      question.current++;
      clearInterval(timer);
    };
  }, [ask, every]);

  return { ...state, reload: () => void ask() };
}
