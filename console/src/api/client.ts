import createClient from 'openapi-fetch';
import type { components, paths } from './schema';

// The schema is made from the OpenAPI document when the console is built: a page that reads what REST does not give
// does not compile.

export type Schemas = components['schemas'];
export type RunView = Schemas['RunView'];
export type RunRecord = Schemas['RunRecord'];
export type StageView = Schemas['StageView'];
export type StageStatus = Schemas['StageStatus'];
export type RunStatus = Schemas['RunStatus'];
export type StageCounts = Schemas['StageCounts'];
export type RunEvent = Schemas['RunEvent'];
export type ErrorInfo = Schemas['ErrorInfo'];

/** The host's root, which REST's paths are below: the console is one folder down. */
const root = new URL('..', document.baseURI).href.replace(/\/$/, '');

export const api = createClient<paths>({ baseUrl: root });

/** The address of something under /api/v1, each part of the path encoded. */
export const addressOf = (...parts: string[]) => `${root}/api/v1/${parts.map(encodeURIComponent).join('/')}`;

/** The address of the host itself, for what it maps besides. */
export const hostAddress = (path: string) => root + path;

/** What REST refused (RFC 9457), or that it did not answer. */
export class ApiError extends Error {
  constructor(message: string, readonly code: string, readonly hint?: string, readonly status = 0) {
    super(message);
  }
}

/** The data of an answer; an error becomes an {@link ApiError}. */
export async function ask<T>(request: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let answer;
  try {
    answer = await request;
  } catch (e) {
    throw new ApiError('The silo does not answer.', 'unreachable', e instanceof Error ? e.message : undefined);
  }

  if (!answer.response.ok) {
    const problem = (typeof answer.error === 'object' && answer.error !== null ? answer.error : {}) as Record<string, unknown>;
    throw new ApiError(
      String(problem.detail ?? problem.title ?? `The silo answered ${answer.response.status}.`),
      String(problem.code ?? answer.response.status),
      problem.hint === undefined ? undefined : String(problem.hint),
      answer.response.status,
    );
  }

  return answer.data as T;
}

/** The 'page' of the next page that the header Link names, if there is one. */
export function nextPage(response: Response): string | undefined {
  const target = /<([^>]*)>;\s*rel="next"/.exec(response.headers.get('Link') ?? '')?.[1];
  return target === undefined ? undefined : (new URL(target, root).searchParams.get('page') ?? undefined);
}
