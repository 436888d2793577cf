namespace Gristmill.Grains.Runs;

/// <summary>How many bytes a stage takes in a message: never less than it does, and cheaper than serialising it.</summary>
internal static class StageViewSize
{
    /// <summary>Times, numbers, and the fields around them.</summary>
    private const int Fixed = 192;

    /// <summary>Type, length and field headers of an entry of a map.</summary>
    private const int Entry = 24;

    public static int Of(StageView view)
    {
        long size = Fixed + Text(view.Name) + Text(view.Operation) + Text(view.Reason);
        foreach (var (name, artifact) in view.Outputs)
        {
            size += Entry + Text(name) + Of(artifact);
        }

        if (view.Progress is { } progress)
        {
            size += Entry + Text(progress.Message);
            foreach (var metric in progress.Metrics)
            {
                size += Entry + Text(metric.Key);
            }
        }

        if (view.Error is { } error)
        {
            size += Entry + Text(error.Code) + Text(error.Message) + Text(error.Hint);
            foreach (var (key, value) in error.Details)
            {
                size += Entry + Text(key) + Text(value);
            }
        }

        foreach (var dependency in view.DependsOn)
        {
            size += Entry + Text(dependency);
        }

        return (int)Math.Min(size, int.MaxValue);
    }

    private static long Of(Artifact artifact)
    {
        long size = 96;
        if (artifact.Dataset is { } dataset)
        {
            size += Text(dataset.Id) + Text(dataset.SchemaFingerprint) + Text(dataset.Host) + Fixed;
        }

        if (artifact.Model is { } model)
        {
            size += Text(model.Digest) + Text(model.Engine) + Fixed;
        }

        if (artifact.Value is { } value)
        {
            size += Text(value.Json) + Text(value.Stage) + Text(value.Output) + Fixed;
        }

        if (artifact.File is { } file)
        {
            size += Text(file.Digest) + Text(file.Name) + Fixed;
        }

        foreach (var metric in artifact.Metrics ?? [])
        {
            size += Entry + Text(metric.Key);
        }

        return size;
    }

    // UTF-8 takes at most three bytes a UTF-16 unit; nearly all of it is ASCII, so the exact count is worth its scan.
    private static int Text(string? text) => text is null ? 1 : System.Text.Encoding.UTF8.GetByteCount(text) + 4;
}
