using TorchSharp;

namespace Gristmill.Engines.Torch;

/// <summary>Says what is wrong with options, all at once.</summary>
internal static class TorchDataLoaderOptionsValidator
{
    internal const int MostPrefetched = 64;

    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>.</exception>
    public static void Validate(TorchDataLoaderOptions options)
    {
        var errors = Errors(options).ToList();
        if (errors.Count > 0)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"Data loader: {string.Join("; ", errors)}.", "Correct the options of the data loader.");
        }
    }

    private static IEnumerable<string> Errors(TorchDataLoaderOptions options)
    {
        if (options.BatchSize < 1)
        {
            yield return $"BatchSize is {options.BatchSize}, but must be at least 1";
        }

        if (options.Prefetch is < 0 or > MostPrefetched)
        {
            yield return $"Prefetch is {options.Prefetch}, but must be from 0 to {MostPrefetched}";
        }

        if (options.WorldSize < 1)
        {
            yield return $"WorldSize is {options.WorldSize}, but must be at least 1";
        }
        else if (options.Rank < 0 || options.Rank >= options.WorldSize)
        {
            yield return $"Rank is {options.Rank}, but must be from 0 to {options.WorldSize - 1}";
        }

        if (options is { Shuffle: true, Sampler: not null })
        {
            yield return "Shuffle and Sampler are both set, but each says the order of rows";
        }

        if (options.Device is { } device && DeviceError(device) is { } error)
        {
            yield return error;
        }
    }

    private static string? DeviceError(string device)
    {
        TorchRuntime.EnsureLoaded();
        // Asked first: a device of a kind that the process does not have cannot even be named to TorchSharp.
        if (device.StartsWith("cuda", StringComparison.Ordinal) && !torch.cuda.is_available())
        {
            return $"Device is '{device}', but this process's torch sees no CUDA device";
        }

        try
        {
            var parsed = new torch.Device(device);
            return parsed.type == DeviceType.CUDA && parsed.index >= torch.cuda.device_count()
                ? $"Device is '{device}', but there are {torch.cuda.device_count()} CUDA devices"
                : null;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidOperationException or OverflowException)
        {
            return $"Device is '{device}', which torch does not know: {TorchErrors.FirstLine(e.Message)}";
        }
    }
}
