using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Gristmill.Engines.MLNet;

/// <summary>
/// A LightGBM Dataset made from row-major matrices where they lie: LightGBM reads the addresses it is given, bins the
/// values into its own bytes, and needs the matrices no more once the constructor returns.
/// </summary>
internal sealed unsafe class LightGbmDataset : IDisposable
{
    private LightGbmDataset(LightGbmDatasetHandle handle, int rows)
    {
        Handle = handle;
        Rows = rows;
    }

    internal LightGbmDatasetHandle Handle { get; }

    internal int Rows { get; }

    /// <summary>Test hook: sees the addresses of features and labels, one a chunk, that are handed to LightGBM.</summary>
    internal static Action<nint[], nint[]>? Addresses { get; set; }

    /// <summary>Bins chunks of rows.</summary>
    /// <param name="chunks">Each rows x width floats, with its rows' labels.</param>
    /// <param name="width">Floats per row.</param>
    /// <param name="parameters">LightGBM's parameters, "key=value key=value".</param>
    /// <param name="reference">The dataset whose bins to share, for validation rows; null to find bins.</param>
    internal static LightGbmDataset Create(
        IReadOnlyList<MatrixChunk> chunks, int width, string parameters, LightGbmDataset? reference)
    {
        LightGbmNative.EnsureLoaded();
        var total = chunks.Sum(c => (long)c.Rows);
        if (total > int.MaxValue)
        {
            throw new GristmillException(ErrorCodes.BadValue,
                string.Create(CultureInfo.InvariantCulture, $"LightGBM takes at most {int.MaxValue} rows, the data has {total}."),
                "Train on a sample.");
        }

        var pins = new List<MemoryHandle>(2 * chunks.Count);
        try
        {
            var features = new nint[chunks.Count];
            var labels = new nint[chunks.Count];
            var weights = new nint[chunks.Count];
            var rows = new int[chunks.Count];
            for (var i = 0; i < chunks.Count; i++)
            {
                if (chunks[i].Features.Length != (long)chunks[i].Rows * width * sizeof(float)
                    || chunks[i].Labels.Length != (long)chunks[i].Rows * sizeof(float)
                    || chunks[i].Weights.Length != (chunks[0].Weights.IsEmpty ? 0 : chunks[i].Labels.Length))
                {
                    throw new ArgumentException("A chunk's buffers do not have rows x width floats.", nameof(chunks));
                }

                pins.Add(chunks[i].Features.Pin());
                features[i] = (nint)pins[^1].Pointer;
                pins.Add(chunks[i].Labels.Pin());
                labels[i] = (nint)pins[^1].Pointer;
                if (!chunks[i].Weights.IsEmpty)
                {
                    pins.Add(chunks[i].Weights.Pin());
                    weights[i] = (nint)pins[^1].Pointer;
                }

                rows[i] = chunks[i].Rows;
            }

            Addresses?.Invoke(features, labels);
            var handle = Bin(features, rows, width, parameters, reference);
            try
            {
                SetField(handle, "label", labels, rows, (int)total);
                if (weights[0] != 0)
                {
                    SetField(handle, "weight", weights, rows, (int)total);
                }

                return new LightGbmDataset(handle, (int)total);
            }
            catch
            {
                handle.Dispose();
                throw;
            }
        }
        finally
        {
            foreach (var pin in pins)
            {
                pin.Dispose();
            }
        }
    }

    /// <summary>Some of the rows, with the same bins.</summary>
    internal LightGbmDataset Subset(ReadOnlySpan<int> rows, string parameters)
    {
        fixed (int* indices = rows)
        {
            LightGbmNative.Check(
                LightGbmNative.LGBM_DatasetGetSubset(Handle, indices, rows.Length, parameters, out var subset),
                ErrorCodes.Invalid, "taking rows for validation");
            return new LightGbmDataset(subset, rows.Length);
        }
    }

    /// <summary>Names the features in the model text.</summary>
    internal void SetFeatureNames(IReadOnlyList<string> names)
    {
        var pointers = new nint[names.Count];
        try
        {
            for (var i = 0; i < pointers.Length; i++)
            {
                pointers[i] = Marshal.StringToCoTaskMemUTF8(names[i]);
            }

            fixed (nint* p = pointers)
            {
                LightGbmNative.Check(LightGbmNative.LGBM_DatasetSetFeatureNames(Handle, (byte**)p, pointers.Length),
                    ErrorCodes.Invalid, "naming the features");
            }
        }
        finally
        {
            foreach (var pointer in pointers)
            {
                Marshal.FreeCoTaskMem(pointer);
            }
        }
    }

    public void Dispose() => Handle.Dispose();

    private static LightGbmDatasetHandle Bin(nint[] features, int[] rows, int width, string parameters, LightGbmDataset? reference)
    {
        var rowMajor = new int[rows.Length];
        rowMajor.AsSpan().Fill(1);
        var held = false;
        try
        {
            reference?.Handle.DangerousAddRef(ref held);
            var bins = reference?.Handle.DangerousGetHandle() ?? 0;
            fixed (nint* f = features)
            fixed (int* r = rows)
            fixed (int* m = rowMajor)
            {
                LightGbmNative.Check(
                    LightGbmNative.LGBM_DatasetCreateFromMats(
                        rows.Length, (void**)f, LightGbmNative.Float32, r, width, m, parameters, bins, out var handle),
                    ErrorCodes.Invalid, "binning the features");
                return handle;
            }
        }
        finally
        {
            if (held)
            {
                reference!.Handle.DangerousRelease();
            }
        }
    }

    /// <summary>One chunk's field goes from where it lies; LightGBM has no call for several, so those are joined first.</summary>
    private static void SetField(LightGbmDatasetHandle handle, string field, nint[] chunks, int[] rows, int total)
    {
        if (chunks.Length == 1)
        {
            Set(handle, field, (void*)chunks[0], total);
            return;
        }

        var joined = (float*)NativeMemory.Alloc((nuint)total, sizeof(float));
        try
        {
            long at = 0;
            for (var i = 0; i < chunks.Length; i++)
            {
                NativeMemory.Copy((void*)chunks[i], joined + at, (nuint)rows[i] * sizeof(float));
                at += rows[i];
            }

            Gristmill.Objects.CopyCounter.Add("lightgbm", (long)total * sizeof(float));
            Set(handle, field, joined, total);
        }
        finally
        {
            NativeMemory.Free(joined);
        }
    }

    private static void Set(LightGbmDatasetHandle handle, string field, void* values, int count) =>
        LightGbmNative.Check(LightGbmNative.LGBM_DatasetSetField(handle, field, values, count, LightGbmNative.Float32),
            ErrorCodes.BadValue, $"setting the {field}");
}

/// <summary>Rows of a dense matrix, their labels and perhaps weights, as bytes where they lie.</summary>
/// <param name="Rows">Number of rows.</param>
/// <param name="Features">Rows x width floats, row-major.</param>
/// <param name="Labels">A float a row.</param>
/// <param name="Weights">A float a row, or empty: each row counts once.</param>
internal readonly record struct MatrixChunk(int Rows, ReadOnlyMemory<byte> Features, ReadOnlyMemory<byte> Labels, ReadOnlyMemory<byte> Weights = default);
