using System.Runtime.InteropServices;

namespace Gristmill.Engines.MLNet;

/// <summary>The part of LightGBM's C API (c_api.h, 4.7) that training and prediction need.</summary>
internal static unsafe partial class LightGbmNative
{
    internal const int Float32 = 0;
    internal const int Float64 = 1;
    internal const int PredictNormal = 0;

    /// <summary>The version these signatures are of; the library itself does not tell its own.</summary>
    internal const string Version = "4.7.0";

    private const string Library = "lib_lightgbm";

    [LibraryImport(Library)]
    internal static partial byte* LGBM_GetLastError();

    [LibraryImport(Library)]
    internal static partial int LGBM_RegisterLogCallback(delegate* unmanaged[Cdecl]<byte*, void> callback);

    [LibraryImport(Library)]
    internal static partial int LGBM_GetMaxThreads(out int threads);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int LGBM_DatasetCreateFromMats(
        int matrices, void** data, int type, int* rows, int columns, int* rowMajor, string parameters, nint reference,
        out LightGbmDatasetHandle handle);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int LGBM_DatasetGetSubset(
        LightGbmDatasetHandle handle, int* rows, int count, string parameters, out LightGbmDatasetHandle subset);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int LGBM_DatasetSetField(
        LightGbmDatasetHandle handle, string field, void* data, int count, int type);

    [LibraryImport(Library)]
    internal static partial int LGBM_DatasetSetFeatureNames(LightGbmDatasetHandle handle, byte** names, int count);

    [LibraryImport(Library)]
    internal static partial int LGBM_DatasetGetNumData(LightGbmDatasetHandle handle, out int rows);

    [LibraryImport(Library)]
    internal static partial int LGBM_DatasetFree(nint handle);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int LGBM_BoosterCreate(
        LightGbmDatasetHandle train, string parameters, out LightGbmBoosterHandle handle);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int LGBM_BoosterCreateFromModelfile(
        string path, out int iterations, out LightGbmBoosterHandle handle);

    [LibraryImport(Library)]
    internal static partial int LGBM_BoosterAddValidData(LightGbmBoosterHandle handle, LightGbmDatasetHandle validation);

    [LibraryImport(Library)]
    internal static partial int LGBM_BoosterUpdateOneIter(LightGbmBoosterHandle handle, out int finished);

    [LibraryImport(Library)]
    internal static partial int LGBM_BoosterGetEvalCounts(LightGbmBoosterHandle handle, out int count);

    [LibraryImport(Library)]
    internal static partial int LGBM_BoosterGetEval(LightGbmBoosterHandle handle, int dataset, out int count, double* results);

    [LibraryImport(Library)]
    internal static partial int LGBM_BoosterGetNumFeature(LightGbmBoosterHandle handle, out int count);

    [LibraryImport(Library)]
    internal static partial int LGBM_BoosterGetNumClasses(LightGbmBoosterHandle handle, out int count);

    [LibraryImport(Library)]
    internal static partial int LGBM_BoosterFeatureImportance(
        LightGbmBoosterHandle handle, int iterations, int kind, double* results);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int LGBM_BoosterSaveModel(
        LightGbmBoosterHandle handle, int start, int iterations, int importance, string path);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int LGBM_BoosterPredictForMat(
        LightGbmBoosterHandle handle, void* data, int type, int rows, int columns, int rowMajor, int kind, int start,
        int iterations, string parameters, out long length, double* results);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int LGBM_BoosterPredictForMatSingleRowFastInit(
        LightGbmBoosterHandle handle, int kind, int start, int iterations, int type, int columns, string parameters,
        out LightGbmFastConfigHandle config);

    [LibraryImport(Library)]
    internal static partial int LGBM_BoosterPredictForMatSingleRowFast(
        nint config, void* data, out long length, double* results);

    [LibraryImport(Library)]
    internal static partial int LGBM_FastConfigFree(nint config);

    [LibraryImport(Library)]
    internal static partial int LGBM_BoosterFree(nint handle);

    /// <summary>Loads the library, or says what is missing.</summary>
    internal static void EnsureLoaded()
    {
        try
        {
            OpenMp.Ready();
            _ = LGBM_GetMaxThreads(out _);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            throw new GristmillException(ErrorCodes.NativeLibrary, $"LightGBM's native library could not be loaded: {FirstLine(e.Message)}",
                "It needs an x86-64 Linux, Windows or macOS and the OpenMP run time (libgomp.so.1; Debian package libgomp1).", e)
                .With("library", Library);
        }
    }

    /// <summary>Turns a failed call into an exception with LightGBM's own message.</summary>
    internal static void Check(int result, string code, string doing)
    {
        if (result != 0)
        {
            Throw(code, doing);
        }
    }

    private static void Throw(string code, string doing)
    {
        var message = Marshal.PtrToStringUTF8((nint)LGBM_GetLastError()) ?? "unknown error";
        throw new GristmillException(code, $"LightGBM failed while {doing}: {FirstLine(message)}");
    }

    private static string FirstLine(string text)
    {
        var end = text.IndexOf('\n', StringComparison.Ordinal);
        return (end < 0 ? text : text[..end]).Trim();
    }
}
