using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Gristmill;

/// <summary>A pipeline's spec as a file: JSON (.json) or YAML 1.2 (.yaml, .yml). Both say the same and give the same version.</summary>
public static class SpecFile
{
    /// <summary>The largest file that is read, in bytes: 16 MiB.</summary>
    public const long MaxBytes = 16L << 20;

    /// <summary>Whether a file's name is that of a spec.</summary>
    public static bool IsSpec(string path) => IsJson(path) || IsYaml(path);

    /// <summary>Reads a spec and checks it.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="GristmillException">
    /// <see cref="ErrorCodes.FileNotFound"/>; <see cref="ErrorCodes.TooLarge"/>: above <see cref="MaxBytes"/>; <see cref="ErrorCodes.Invalid"/>: it is no spec, and
    /// which member at which path is wrong.
    /// </exception>
    public static PipelineSpec Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            throw new GristmillException(ErrorCodes.FileNotFound, $"There is no file '{path}'.", "'mill compile pipeline.cs -o spec.json' writes one.");
        }

        if (file.Length > MaxBytes)
        {
            throw new GristmillException(ErrorCodes.TooLarge, string.Create(CultureInfo.InvariantCulture, $"'{path}' has {file.Length:N0} bytes."),
                string.Create(CultureInfo.InvariantCulture, $"A spec has at most {MaxBytes:N0}: keep data out of it."));
        }

        try
        {
            return IsYaml(path) ? FromYaml(File.ReadAllText(path)) : FromJson(File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GristmillException(ErrorCodes.FileNotFound, $"'{path}' cannot be read: {e.Message}", "Check the path and its permissions.", e);
        }
    }

    /// <summary>Reads a spec from JSON and checks it.</summary>
    /// <param name="utf8Json">The document.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it is no spec, and which member at which path is wrong.</exception>
    public static PipelineSpec FromJson(ReadOnlyMemory<byte> utf8Json)
    {
        // A mark of the byte order is no part of JSON, but editors write it.
        var text = utf8Json.Span.StartsWith("\uFEFF"u8) ? utf8Json[3..] : utf8Json;
        return Checked(StrictJson.Read<PipelineSpec>(text));
    }

    /// <summary>Reads a spec from YAML 1.2 and checks it.</summary>
    /// <param name="yaml">The document. Plain 'no' and 'on' are text; aliases may stand for at most 100,000 values in all.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it is no spec, and which member at which path is wrong.</exception>
    public static PipelineSpec FromYaml(string yaml)
    {
        ArgumentNullException.ThrowIfNull(yaml);
        var node = YamlReader.Read(yaml);
        return Checked(StrictJson.Read<PipelineSpec>(JsonSerializer.SerializeToElement(node, GristmillJson.Options)));
    }

    /// <summary>Writes a spec as indented JSON.</summary>
    public static string ToJson(PipelineSpec spec) => GristmillJson.SerializeIndented(spec);

    /// <summary>Writes a spec as YAML: queries as blocks, text quoted where other readers would take it for something else.</summary>
    public static string ToYaml(PipelineSpec spec) => YamlText.Write(JsonSerializer.SerializeToElement(spec, GristmillJson.Options));

    /// <summary>Writes a spec to a file, as its name says.</summary>
    /// <param name="spec">The spec.</param>
    /// <param name="path">A path that ends in .json, .yaml or .yml.</param>
    /// <exception cref="GristmillException"><see cref="ErrorCodes.Invalid"/>: it ends in something else, or cannot be written.</exception>
    public static void Write(PipelineSpec spec, string path)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (!IsSpec(path))
        {
            throw new GristmillException(ErrorCodes.Invalid, $"'{path}' ends in neither .json nor .yaml.", "Name a file that does.");
        }

        try
        {
            File.WriteAllText(path, IsYaml(path) ? ToYaml(spec) : ToJson(spec) + "\n", new UTF8Encoding(false));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GristmillException(ErrorCodes.Invalid, $"'{path}' cannot be written: {e.Message}", "Choose another file.", e);
        }
    }

    private static PipelineSpec Checked(PipelineSpec spec)
    {
        PipelineSpecValidator.ThrowIfInvalid(spec);
        return spec;
    }

    private static bool IsJson(string path) => Path.GetExtension(path).Equals(".json", StringComparison.OrdinalIgnoreCase);

    private static bool IsYaml(string path) => Path.GetExtension(path) is var extension
        && (extension.Equals(".yaml", StringComparison.OrdinalIgnoreCase) || extension.Equals(".yml", StringComparison.OrdinalIgnoreCase));
}
