using System.Globalization;
using System.Text;

namespace Gristmill.Client;

// What runs logged, and the search of runs.
public sealed partial class GristmillClient
{
    /// <summary>Finds runs by what they were set to and what they reached.</summary>
    /// <param name="query">Filter, order and page; null: the newest runs.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: filter or order, with the position in it.</exception>
    public async Task<RunPage> SearchRunsAsync(RunQuery? query = null, CancellationToken cancellationToken = default)
    {
        query ??= new RunQuery();
        var path = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"runs?limit={query.Limit}"));
        foreach (var (name, value) in new[]
        {
            ("pipeline", query.Pipeline), ("filter", query.Filter), ("order", query.Order), ("page", query.Page), ("before", query.Before),
        })
        {
            path.Append(string.IsNullOrEmpty(value) ? "" : $"&{name}={Escape(value)}");
        }

        using var response = await _rest.SendAsync(() => new HttpRequestMessage(HttpMethod.Get, _rest.Address(path.ToString())), true,
            HttpCompletionOption.ResponseContentRead, cancellationToken);
        return new RunPage(await RestTransport.ReadAsync<IReadOnlyList<RunRecord>>(response, cancellationToken), NextPage(response));
    }

    /// <summary>Parameters, tags and newest metrics of hundreds of runs in one call; <see cref="CompareRunsAsync"/> says more, of fewer.</summary>
    /// <param name="ids">1 to <see cref="RunQuery.MaxLimit"/> ids.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The runs, in the order asked for.</returns>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.NotFound"/>, naming the first that is unknown; <see cref="ErrorCodes.Invalid"/>: none, or too many.</exception>
    public Task<IReadOnlyList<RunRecord>> GetRunRecordsAsync(IEnumerable<string> ids, CancellationToken cancellationToken = default) =>
        _rest.SendAsync<IReadOnlyList<RunRecord>>(HttpMethod.Post, "runs/compare", new { ids = ids.ToArray() }, true, cancellationToken);

    /// <summary>The newest value of every metric of a run.</summary>
    public Task<IReadOnlyList<MetricLatest>> ListMetricsAsync(string run, CancellationToken cancellationToken = default) =>
        GetAsync<IReadOnlyList<MetricLatest>>($"runs/{Escape(run)}/metrics", cancellationToken);

    /// <summary>The history of a metric, a series a stage that logged it.</summary>
    public Task<IReadOnlyList<MetricSeries>> GetMetricAsync(MetricQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        var path = string.Create(CultureInfo.InvariantCulture, $"runs/{Escape(query.RunId)}/metrics/{EscapePath(query.Name)}?points={query.Points}")
            + (query.From == long.MinValue ? "" : string.Create(CultureInfo.InvariantCulture, $"&from={query.From}"))
            + (query.Attempt is { } attempt ? string.Create(CultureInfo.InvariantCulture, $"&attempt={attempt}") : "");
        return GetAsync<IReadOnlyList<MetricSeries>>(path, cancellationToken);
    }

    /// <summary>Sets tags of a run by name; null removes one. Returns the tags it has then.</summary>
    public Task<IReadOnlyDictionary<string, string>> SetTagsAsync(string run, IReadOnlyDictionary<string, string?> tags, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tags);
        // Bytes of its own: the common way of writing leaves nulls out.
        var body = System.Text.Json.JsonSerializer.SerializeToElement(tags, NullsKept);
        return _rest.SendAsync<IReadOnlyDictionary<string, string>>(HttpMethod.Patch, $"runs/{Escape(run)}/tags", body, true, cancellationToken);
    }

    /// <summary>The files and figures beside a run.</summary>
    public Task<IReadOnlyList<TrackedArtifact>> ListArtifactsAsync(string run, CancellationToken cancellationToken = default) =>
        GetAsync<IReadOnlyList<TrackedArtifact>>($"runs/{Escape(run)}/artifacts", cancellationToken);

    /// <summary>Writes a file or figure beside a run.</summary>
    /// <param name="run">The run.</param>
    /// <param name="path">The artifact's path.</param>
    /// <param name="destination">Where it goes; nothing is written if there is an error.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task DownloadArtifactAsync(string run, string path, Stream destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        using var response = await _rest.SendAsync(
            () => new HttpRequestMessage(HttpMethod.Get, _rest.Address($"runs/{Escape(run)}/artifacts/{EscapePath(path)}")), true,
            HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await response.Content.CopyToAsync(destination, cancellationToken);
    }

    private static readonly System.Text.Json.JsonSerializerOptions NullsKept = new() { DictionaryKeyPolicy = null };

    private static string EscapePath(string path) => string.Join('/', path.Split('/').Select(Escape));

    /// <summary>The page token in a Link header (RFC 8288) with rel="next".</summary>
    private static string? NextPage(HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues("Link", out var links))
        {
            return null;
        }

        var link = links.FirstOrDefault(static value => value.Contains("rel=\"next\"", StringComparison.Ordinal));
        var start = link?.IndexOf("page=", StringComparison.Ordinal) ?? -1;
        if (start < 0)
        {
            return null;
        }

        var token = link!.AsSpan(start + 5);
        return Uri.UnescapeDataString(token[..token.IndexOfAny('&', '>')]);
    }
}
