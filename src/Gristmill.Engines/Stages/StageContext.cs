using System.Text.Json;
using Gristmill.Objects;

namespace Gristmill.Engines;

/// <summary>What one attempt may use: its inputs, options, the stores, and a way to report.</summary>
public sealed class StageContext
{
    /// <summary>The attempt.</summary>
    public required StageRequest Request { get; init; }

    /// <summary>The host's objects.</summary>
    public required ObjectStore Objects { get; init; }

    /// <summary>Model packages and user assemblies.</summary>
    public required ContentStore Content { get; init; }

    /// <summary>Loads models of any engine, for evaluation and prediction stages.</summary>
    public required ModelLoader Models { get; init; }

    /// <summary>Receives progress.</summary>
    public IProgress<StageProgress>? Progress { get; init; }

    /// <summary>Takes metrics, parameters, tags, files and figures: what <see cref="Gristmill.Track"/> finds by itself.</summary>
    public Tracker Track { get; init; } = Tracker.None;

    /// <summary>
    /// Threads this attempt may use now; at least 1. It changes as other attempts on the host start and end: read it again for each phase.
    /// </summary>
    public int Threads { get => Share?.Threads ?? field; init; } = 1;

    /// <summary>Where <see cref="Threads"/> comes from, if the executor may change it.</summary>
    public ThreadShare? Share { get; init; }

    /// <summary>Base folder for relative paths in options, or null where they are refused.</summary>
    public string? BaseDirectory { get; init; }

    /// <summary>What the stage has got so far, for the attempt that follows if this one is lost.</summary>
    public StageCheckpoint Checkpoint { get => field ??= new StageCheckpoint(null, Request); init; }

    /// <summary>Where <see cref="Heartbeat"/> goes.</summary>
    public Action? OnHeartbeat { get; init; }

    /// <summary>Tells that the stage lives, where its limits ask for that; reports of progress tell it too. Cheap enough for every step.</summary>
    public void Heartbeat() => OnHeartbeat?.Invoke();

    /// <summary>Writes a line to the attempt's log, as <see cref="Console"/> does.</summary>
#pragma warning disable CA1822 // Said of the attempt, whose output the console is.
    public void Log(string message) => Console.WriteLine(message);
#pragma warning restore CA1822

    /// <summary>The options as an object of a known shape.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>, with the JSON path of what is wrong.</exception>
    public T Options<T>(JsonSerializerOptions? json = null)
    {
        json ??= StageJson.Options;
        try
        {
            using var document = JsonDocument.Parse(Request.Options, new JsonDocumentOptions { MaxDepth = StrictJson.MaxDepth });
            StrictJson.Check(document.RootElement, typeof(T), json);
            return document.RootElement.Deserialize<T>(json) ?? throw new JsonException("they are null");
        }
        catch (GristmillException e) when (e.Code == ErrorCodes.Invalid)
        {
            throw Misfit(e.Error.Message, e.Error.Hint, e).With("path", e.Error.Details["path"]);
        }
        catch (JsonException e)
        {
            throw Misfit(e.Message, "Compare the options with the operation's documentation.", e);
        }

        GristmillException Misfit(string what, string? hint, Exception cause) =>
            new(ErrorCodes.Invalid, $"Stage '{Request.Stage}': its options do not fit {Request.Operation}: {what}", hint, cause);
    }

    /// <summary>Takes a lease on a dataset input.</summary>
    public ObjectLease Dataset(string input) => Objects.Get(Input(input, ArtifactKind.Dataset).Dataset!);

    /// <summary>A file of the content store, to read.</summary>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.NotFound"/>: it is not there.</exception>
    public FileInput File(FileRef file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return new FileInput(file, Path.Combine(Content.GetPath(file.Digest), Path.GetFileName(file.Name)));
    }

    /// <summary>Takes a file into the content store, to be returned or kept; the file itself stays.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.FileNotFound"/>, <see cref="ErrorCodes.StoreFull"/></exception>
    public FileRef SaveFile(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        var info = new FileInfo(path);
        if (!info.Exists || (info.Attributes & (FileAttributes.Directory | FileAttributes.Device)) != 0)
        {
            throw new GristmillException(ErrorCodes.FileNotFound, $"There is no file '{path}'.", "Write it first; folders and devices are none.").With("file", path);
        }

        var staged = Content.Stage();
        try
        {
            System.IO.File.Copy(info.FullName, Path.Combine(staged, info.Name));
            var (digest, bytes) = Content.Commit(staged);
            return new FileRef(digest, info.Name, bytes);
        }
        catch
        {
            if (Directory.Exists(staged))
            {
                Directory.Delete(staged, recursive: true);
            }

            throw;
        }
    }

    /// <summary>The package of a model input.</summary>
    public ModelRef Model(string input) => Input(input, ArtifactKind.Model).Model!;

    /// <summary>Reports progress.</summary>
    public void Report(double? fraction, string? message, params ReadOnlySpan<(string Name, double Value)> metrics)
    {
        if (Progress is null)
        {
            return;
        }

        var report = new StageProgress(fraction, message);
        foreach (var (name, value) in metrics)
        {
            report = report with { Metrics = report.Metrics.SetItem(name, value) };
        }

        Progress.Report(report);
    }

    private Artifact Input(string name, ArtifactKind kind)
    {
        if (!Request.Inputs.TryGetValue(name, out var artifact))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Stage '{Request.Stage}' ({Request.Operation}) has no input '{name}'.",
                $"Connect a {kind} to it.");
        }

        return artifact.Kind == kind
            ? artifact
            : throw new GristmillException(ErrorCodes.TypeMismatch, $"Stage '{Request.Stage}': input '{name}' is a {artifact.Kind}, not a {kind}.");
    }
}
