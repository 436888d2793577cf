using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Gristmill.Client;

// Triggers.
public sealed partial class GristmillClient
{
    /// <summary>Makes or changes a trigger; the same spec again changes nothing.</summary>
    /// <param name="spec">What it does.</param>
    /// <param name="replace">Whether a trigger of this name with another spec is changed; else it is a <see cref="ErrorCodes.Conflict"/>.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task<TriggerView> PutTriggerAsync(TriggerSpec spec, bool replace = true, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var body = JsonSerializer.SerializeToUtf8Bytes(spec, GristmillJson.Options);
        using var response = await _rest.SendAsync(() =>
        {
            var request = new HttpRequestMessage(HttpMethod.Put, _rest.Address($"triggers/{Escape(spec.Name)}"))
            {
                Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
            };
            if (!replace)
            {
                request.Headers.IfNoneMatch.Add(EntityTagHeaderValue.Any);
            }

            return request;
        }, true, HttpCompletionOption.ResponseContentRead, cancellationToken);
        return await RestTransport.ReadAsync<TriggerView>(response, cancellationToken);
    }

    /// <summary>Triggers by name.</summary>
    /// <param name="pipeline">Only those of this pipeline; null: of all.</param>
    /// <param name="limit">At most 200.</param>
    /// <param name="after">Only names that come after this one, for paging.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task<IReadOnlyList<TriggerView>> ListTriggersAsync(string? pipeline = null, int limit = 50, string? after = null, CancellationToken cancellationToken = default) =>
        GetAsync<IReadOnlyList<TriggerView>>(string.Create(CultureInfo.InvariantCulture, $"triggers?limit={limit}")
            + (pipeline is null ? "" : $"&pipeline={Escape(pipeline)}") + (after is null ? "" : $"&after={Escape(after)}"), cancellationToken);

    /// <summary>A trigger with its next time and newest firing.</summary>
    public Task<TriggerView> GetTriggerAsync(string name, CancellationToken cancellationToken = default) => GetAsync<TriggerView>($"triggers/{Escape(name)}", cancellationToken);

    /// <summary>Removes a trigger with its history; again changes nothing.</summary>
    public Task DeleteTriggerAsync(string name, CancellationToken cancellationToken = default) =>
        _rest.SendAsync<RestTransport.Nothing>(HttpMethod.Delete, $"triggers/{Escape(name)}", null, true, cancellationToken);

    /// <summary>Has a trigger fire nothing until it is resumed.</summary>
    public Task<TriggerView> PauseTriggerAsync(string name, CancellationToken cancellationToken = default) =>
        _rest.SendAsync<TriggerView>(HttpMethod.Post, $"triggers/{Escape(name)}/pause", null, true, cancellationToken);

    /// <summary>Has a paused trigger fire again.</summary>
    public Task<TriggerView> ResumeTriggerAsync(string name, CancellationToken cancellationToken = default) =>
        _rest.SendAsync<TriggerView>(HttpMethod.Post, $"triggers/{Escape(name)}/resume", null, true, cancellationToken);

    /// <summary>Fires a trigger now.</summary>
    /// <param name="name">The trigger.</param>
    /// <param name="request">Parameters in place of its own; without a key one is made, so that repeated attempts make one firing.</param>
    /// <param name="cancellationToken">Ends the call, not the run.</param>
    public Task<TriggerFiring> FireTriggerAsync(string name, TriggerFireRequest? request = null, CancellationToken cancellationToken = default)
    {
        request ??= new TriggerFireRequest();
        var key = request.IdempotencyKey ?? Guid.NewGuid().ToString("n");
        return _rest.SendAsync<TriggerFiring>(HttpMethod.Post, $"triggers/{Escape(name)}/fire", request with { IdempotencyKey = null }, true, cancellationToken, key);
    }

    /// <summary>A trigger's firings, newest first.</summary>
    /// <param name="name">The trigger.</param>
    /// <param name="limit">At most 200.</param>
    /// <param name="before">Only those with a lower number, for paging; 0: all.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task<IReadOnlyList<TriggerFiring>> ListFiringsAsync(string name, int limit = 50, long before = 0, CancellationToken cancellationToken = default) =>
        GetAsync<IReadOnlyList<TriggerFiring>>(string.Create(CultureInfo.InvariantCulture, $"triggers/{Escape(name)}/firings?limit={limit}&before={before}"), cancellationToken);
}
