import { ApiError, type ErrorInfo } from '../api/client';

/** What went wrong: the message, what to do, and the code that docs/errors.md explains. */
export function Problem({ error }: { error: unknown }) {
  if (!error) return null;
  const { message, code, hint } = error instanceof Error
    ? { message: error.message, code: error instanceof ApiError ? error.code : error.name, hint: error instanceof ApiError ? error.hint : undefined }
    : (error as ErrorInfo);
  return (
    <div class="problem" role="alert">
      <p>{message} <code>{code}</code></p>
      {hint && <p class="hint">{hint}</p>}
    </div>
  );
}
