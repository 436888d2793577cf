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

    /// <summary>Test hook: sees the addresses of features (one a chunk) and labels that are handed to LightGBM.</summary>
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
            var rows = new int[chunks.Count];
            for (var i = 0; i < chunks.Count; i++)
            {
                if (chunks[i].Features.Length != (long)chunks[i].Rows * width * sizeof(float)
                    || chunks[i].Labels.Length != (long)chunks[i].Rows * sizeof(float))
                {
                    throw new ArgumentException("A chunk's buffers do not have rows x width floats.", nameof(chunks));
                }

                pins.Add(chunks[i].Features.Pin());
                features[i] = (nint)pins[^1].Pointer;
                pins.Add(chunks[i].Labels.Pin());
                labels[i] = (nint)pins[^1].Pointer;
                rows[i] = chunks[i].Rows;
            }

            Addresses?.Invoke(features, labels);
            var handle = Bin(features, rows, width, parameters, reference);
            try
            {
                SetLabels(handle, labels, rows, (int)total);
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

    /// <summary>One chunk's labels go from where they lie; LightGBM has no call for several, so those are joined first.</summary>
    private static void SetLabels(LightGbmDatasetHandle handle, nint[] labels, int[] rows, int total)
    {
        if (labels.Length == 1)
        {
            Set(handle, (void*)labels[0], total);
            return;
        }

        var joined = (float*)NativeMemory.Alloc((nuint)total, sizeof(float));
        try
        {
            long at = 0;
            for (var i = 0; i < labels.Length; i++)
            {
                NativeMemory.Copy((void*)labels[i], joined + at, (nuint)rows[i] * sizeof(float));
                at += rows[i];
            }

            Gristmill.Objects.CopyCounter.Add("lightgbm", (long)total * sizeof(float));
            Set(handle, joined, total);
        }
        finally
        {
            NativeMemory.Free(joined);
        }
    }

    private static void Set(LightGbmDatasetHandle handle, void* labels, int count) =>
        LightGbmNative.Check(LightGbmNative.LGBM_DatasetSetField(handle, "label", labels, count, LightGbmNative.Float32),
            ErrorCodes.BadValue, "setting the label");
}

/// <summary>Rows of a dense matrix and their labels, as bytes where they lie.</summary>
/// <param name="Rows">Number of rows.</param>
/// <param name="Features">Rows x width floats, row-major.</param>
/// <param name="Labels">A float a row.</param>
internal readonly record struct MatrixChunk(int Rows, ReadOnlyMemory<byte> Features, ReadOnlyMemory<byte> Labels);
