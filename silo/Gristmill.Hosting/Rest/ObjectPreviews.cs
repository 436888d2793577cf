using System.Buffers;
using System.Text.Json;
using Gristmill.Objects;

namespace Gristmill.Hosting;

/// <summary>Reads the first rows of an object.</summary>
internal static class ObjectPreviews
{
    /// <summary>Characters of a text, and elements of a list, that are shown.</summary>
    private const int TextLength = 1000, ListLength = 100;

    /// <exception cref="GristmillException"><see cref="ErrorCodes.Corrupt"/>: its data is not what its footer says.</exception>
    public static ObjectPreview Read(ObjectStore store, string id, int rows)
    {
        using var lease = store.Get(id);
        try
        {
            var buffer = new ArrayBufferWriter<byte>();
            using (var writer = new Utf8JsonWriter(buffer))
            {
                writer.WriteStartArray();
                for (var (batch, left) = (0, rows); batch < lease.Batches.Count && left > 0; batch++)
                {
                    var table = lease.Batches[batch];
                    for (var row = 0; row < table.Length && left > 0; row++, left--)
                    {
                        writer.WriteStartArray();
                        for (var column = 0; column < table.ColumnCount; column++)
                        {
                            JsonTable.WriteValue(writer, table.Column(column), row, TextLength, ListLength);
                        }

                        writer.WriteEndArray();
                    }
                }

                writer.WriteEndArray();
            }

            return new ObjectPreview
            {
                Id = id,
                Columns = [.. lease.Schema.FieldsList.Select(static field => field.Name)],
                Rows = JsonSerializer.Deserialize<JsonElement[][]>(buffer.WrittenSpan)!,
                Total = lease.Ref.Rows,
            };
        }
        catch (Exception e) when (e is ArgumentException or IndexOutOfRangeException or OverflowException)
        {
            // Batches are checked for their structure when they are mapped, not for their values.
            throw new GristmillException(ErrorCodes.Corrupt, $"Object {id} holds values that cannot be read: {e.Message}", "Run its stage again.", e).With("object", id);
        }
    }
}
