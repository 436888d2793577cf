using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Gristmill.Client;

// Following a run.
public sealed partial class GristmillClient
{
    /// <summary>
    /// The changes of a run until it ends, a pause among them: first the run, then one event a change, last the run again. Of a run with more stages
    /// than a view holds, all of them come after the first event, several an event. A lost connection is made again, and the
    /// run is sent anew.
    /// </summary>
    /// <param name="id">The run.</param>
    /// <param name="cancellationToken">Ends the watching, not the run.</param>
    public async IAsyncEnumerable<RunEvent> WatchRunAsync(string id, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        string? lastId = null;
        var failures = 0;
        while (true)
        {
            await using var events = ConnectAsync(id, lastId, cancellationToken).GetAsyncEnumerator(cancellationToken);
            while (true)
            {
                RunEvent change;
                try
                {
                    if (!await events.MoveNextAsync())
                    {
                        break;
                    }

                    (lastId, change) = events.Current;
                }
                catch (Exception e) when (e is HttpRequestException or IOException && failures < _rest.Options.Attempts)
                {
                    break;
                }
                catch (Exception e) when (e is HttpRequestException or IOException)
                {
                    throw _rest.Unreachable(e);
                }

                failures = 0;
                yield return change;
                if (change.Run is { } run && IsOver(run.Status))
                {
                    yield break;
                }
            }

            failures++;
            if (failures > _rest.Options.Attempts)
            {
                throw new GristmillException(ErrorCodes.Unreachable, $"{Server} keeps ending the watch of run '{id}'.",
                    "See the server's log; the run itself may go on: 'mill show' tells.");
            }

            await Task.Delay(_rest.Options.Backoff * Math.Pow(2, failures - 1), _rest.Time, cancellationToken);
        }
    }

    /// <summary>Waits until a run has ended.</summary>
    /// <returns>The run as it ended: succeeded, failed or cancelled. Of a large run it has some of the stages.</returns>
    public async Task<RunView> WaitRunAsync(string id, CancellationToken cancellationToken = default)
    {
        RunView? last = null;
        await foreach (var change in WatchRunAsync(id, cancellationToken))
        {
            last = change.Run ?? last;
        }

        return last!;
    }

    private async IAsyncEnumerable<(string? Id, RunEvent Event)> ConnectAsync(string id, string? lastId,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var response = await _rest.SendAsync(() =>
        {
            var request = new HttpRequestMessage(HttpMethod.Get, _rest.Address($"runs/{Escape(id)}/events"));
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
            if (lastId is not null)
            {
                request.Headers.Add("Last-Event-ID", lastId);
            }

            return request;
        }, true, HttpCompletionOption.ResponseHeadersRead, cancellationToken);

        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var parser = SseParser.Create(stream, (type, data) => type is "run" or "stage" or "stages" or "pause" or "message"
            ? JsonSerializer.Deserialize<RunEvent>(data, GristmillJson.Tolerant)
            : null);
        await foreach (var item in parser.EnumerateAsync(cancellationToken))
        {
            // Kinds of events that a newer server may add are passed over.
            if (item.Data is { } change)
            {
                yield return (item.EventId, change);
            }
        }
    }

    private static bool IsOver(RunStatus status) => status is RunStatus.Succeeded or RunStatus.Failed or RunStatus.Cancelled;
}
