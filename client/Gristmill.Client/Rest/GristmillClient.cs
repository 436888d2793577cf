using System.Globalization;
using System.Runtime.CompilerServices;

namespace Gristmill.Client;

/// <summary>
/// Speaks to a Gristmill server over REST. One instance serves many threads. Every call throws
/// <see cref="GristmillException"/>: with the server's own code, or <see cref="ErrorCodes.Unreachable"/> or
/// <see cref="ErrorCodes.Timeout"/>. Calls that can be repeated are, where the server cannot be reached.
/// </summary>
public sealed partial class GristmillClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly HttpClient? _owned;
    private readonly RestTransport _rest;

    /// <summary>Creates a client with connections of its own.</summary>
    /// <param name="options">How to reach the server; null: the defaults.</param>
    public GristmillClient(GristmillClientOptions? options = null)
        : this(Connect(), options) => _owned = _http;

    /// <summary>Creates a client for a server with the other defaults.</summary>
    /// <param name="server">Its address, such as "http://127.0.0.1:5080".</param>
    public GristmillClient(string server) : this(new GristmillClientOptions { Server = GristmillClientOptions.ParseServer(server) }) { }

    /// <summary>Creates a client over an <see cref="HttpClient"/> that the caller owns, such as one of IHttpClientFactory.</summary>
    /// <param name="http">Its time-out should be infinite, as watching a run takes as long as the run.</param>
    /// <param name="options">How to reach the server; null: the defaults.</param>
    /// <param name="time">Clock of time-outs and waits; null: the system's.</param>
    public GristmillClient(HttpClient http, GristmillClientOptions? options = null, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(http);
        _http = http;
        _rest = new RestTransport(http, options ?? new GristmillClientOptions(), time ?? TimeProvider.System);
    }

    /// <summary>The server's address.</summary>
    public Uri Server => _rest.Server;

    /// <summary>What the server says about itself.</summary>
    public Task<ServerInfo> GetInfoAsync(CancellationToken cancellationToken = default) => GetAsync<ServerInfo>("info", cancellationToken);

    /// <summary>Registers a pipeline; the same spec again changes nothing.</summary>
    public Task<PipelineView> RegisterPipelineAsync(PipelineSpec spec, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return _rest.SendAsync<PipelineView>(HttpMethod.Put, $"pipelines/{Escape(spec.Name)}", spec, true, cancellationToken);
    }

    /// <summary>The pipelines there are.</summary>
    public Task<IReadOnlyList<PipelineView>> ListPipelinesAsync(CancellationToken cancellationToken = default) =>
        GetAsync<IReadOnlyList<PipelineView>>("pipelines", cancellationToken);

    /// <summary>A pipeline with its newest spec.</summary>
    public Task<PipelineView> GetPipelineAsync(string name, CancellationToken cancellationToken = default) =>
        GetAsync<PipelineView>($"pipelines/{Escape(name)}", cancellationToken);

    /// <summary>Starts a run of the newest version of a pipeline and returns its id.</summary>
    /// <param name="pipeline">The pipeline's name.</param>
    /// <param name="request">Parameters; without a key one is made, so that repeated attempts start one run.</param>
    /// <param name="cancellationToken">Ends the call, not the run.</param>
    public async Task<string> StartRunAsync(string pipeline, RunRequest? request = null, CancellationToken cancellationToken = default)
    {
        request ??= new RunRequest();
        var key = request.IdempotencyKey ?? Guid.NewGuid().ToString("n");
        var started = await _rest.SendAsync<RunStarted>(HttpMethod.Post, $"pipelines/{Escape(pipeline)}/runs",
            request with { IdempotencyKey = null }, true, cancellationToken, key);
        return started.Id;
    }

    /// <summary>A run as it stands. Of more than <see cref="RunView.MaxStages"/> stages it has some; <see cref="ListStagesAsync"/> has all.</summary>
    public Task<RunView> GetRunAsync(string id, CancellationToken cancellationToken = default) => GetAsync<RunView>($"runs/{Escape(id)}", cancellationToken);

    /// <summary>Stages of a run in the order of the spec.</summary>
    /// <param name="id">The run.</param>
    /// <param name="offset">How many stages of the run to pass over; <see cref="StagePage.Next"/> of the page before.</param>
    /// <param name="limit">At most 1,000.</param>
    /// <param name="status">Only stages of this status.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task<StagePage> GetStagesAsync(string id, int offset = 0, int limit = 100, StageStatus? status = null, CancellationToken cancellationToken = default) =>
        GetAsync<StagePage>(string.Create(CultureInfo.InvariantCulture, $"runs/{Escape(id)}/stages?offset={offset}&limit={limit}")
            + (status is { } wanted ? $"&status={wanted.ToString().ToLowerInvariant()}" : ""), cancellationToken);

    /// <summary>All stages of a run in the order of the spec, or those of one status.</summary>
    public async IAsyncEnumerable<StageView> ListStagesAsync(
        string id, StageStatus? status = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (int? offset = 0; offset is { } at;)
        {
            var page = await GetStagesAsync(id, at, 1000, status, cancellationToken);
            foreach (var stage in page.Stages)
            {
                yield return stage;
            }

            offset = page.Next;
        }
    }

    /// <summary>One stage of a run.</summary>
    public Task<StageView> GetStageAsync(string id, string stage, CancellationToken cancellationToken = default) =>
        GetAsync<StageView>($"runs/{Escape(id)}/stages/{Escape(stage)}", cancellationToken);

    /// <summary>Runs, newest first.</summary>
    /// <param name="pipeline">Only of this pipeline; null: of all.</param>
    /// <param name="limit">At most 1,000.</param>
    /// <param name="before">Only runs older than this id, for paging.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task<IReadOnlyList<RunSummary>> ListRunsAsync(string? pipeline = null, int limit = 50, string? before = null,
        CancellationToken cancellationToken = default)
    {
        var query = string.Create(CultureInfo.InvariantCulture, $"runs?limit={limit}")
            + (pipeline is null ? "" : $"&pipeline={Escape(pipeline)}") + (before is null ? "" : $"&before={Escape(before)}");
        return GetAsync<IReadOnlyList<RunSummary>>(query, cancellationToken);
    }

    /// <summary>Cancels a run: running stages end within a second. A run that has ended stays as it is.</summary>
    public Task CancelRunAsync(string id, CancellationToken cancellationToken = default) =>
        _rest.SendAsync<RestTransport.Nothing>(HttpMethod.Post, $"runs/{Escape(id)}/cancel", null, true, cancellationToken);

    /// <summary>The registered models with their versions.</summary>
    public Task<IReadOnlyList<ModelView>> ListModelsAsync(CancellationToken cancellationToken = default) =>
        GetAsync<IReadOnlyList<ModelView>>("models", cancellationToken);

    /// <summary>A registered model.</summary>
    public Task<ModelView> GetModelAsync(string name, CancellationToken cancellationToken = default) =>
        GetAsync<ModelView>($"models/{Escape(name)}", cancellationToken);

    /// <summary>Writes a model as an ONNX file; docs/models.md says what it takes and gives.</summary>
    /// <param name="name">The registered model.</param>
    /// <param name="destination">Where the file goes; nothing is written if there is an error.</param>
    /// <param name="version">Its version; null: the newest.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.NotExportable"/>: the model has no such form, and why; <see cref="ErrorCodes.NotFound"/>.</exception>
    public async Task ExportModelAsync(string name, Stream destination, int? version = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        var path = $"models/{Escape(name)}/export?format=onnx" + (version is null ? "" : string.Create(CultureInfo.InvariantCulture, $"&version={version}"));
        using var response = await _rest.SendAsync(() => new HttpRequestMessage(HttpMethod.Get, _rest.Address(path)), true,
            HttpCompletionOption.ResponseContentRead, cancellationToken);
        await response.Content.CopyToAsync(destination, cancellationToken);
    }

    /// <summary>Serves a model under a name, or changes what is served.</summary>
    public Task<DeploymentView> DeployAsync(string name, DeploymentSpec spec, CancellationToken cancellationToken = default) =>
        _rest.SendAsync<DeploymentView>(HttpMethod.Put, $"deployments/{Escape(name)}", spec, true, cancellationToken);

    /// <summary>The deployments there are.</summary>
    public Task<IReadOnlyList<DeploymentView>> ListDeploymentsAsync(CancellationToken cancellationToken = default) =>
        GetAsync<IReadOnlyList<DeploymentView>>("deployments", cancellationToken);

    /// <summary>A deployment.</summary>
    public Task<DeploymentView> GetDeploymentAsync(string name, CancellationToken cancellationToken = default) =>
        GetAsync<DeploymentView>($"deployments/{Escape(name)}", cancellationToken);

    /// <summary>Ends a deployment; again changes nothing.</summary>
    public Task DeleteDeploymentAsync(string name, CancellationToken cancellationToken = default) =>
        _rest.SendAsync<RestTransport.Nothing>(HttpMethod.Delete, $"deployments/{Escape(name)}", null, true, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _owned?.Dispose();

    // No time-out here: the transport has one for each call, and watching a run takes as long as the run.
    private static HttpClient Connect() =>
        new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { Timeout = Timeout.InfiniteTimeSpan };

    private Task<T> GetAsync<T>(string path, CancellationToken cancellationToken) =>
        _rest.SendAsync<T>(HttpMethod.Get, path, null, true, cancellationToken);

    private static string Escape(string part)
    {
        ArgumentException.ThrowIfNullOrEmpty(part);
        return Uri.EscapeDataString(part);
    }
}
