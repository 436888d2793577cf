using System.Runtime.CompilerServices;
using Apache.Arrow;
using Gristmill.Objects.Writing;

namespace Gristmill.Objects.Ipc;

/// <summary>What a writer needs of a schema, made once for each: tables of one kind are written by the thousand.</summary>
internal sealed class EncodedSchema
{
    private static readonly ConditionalWeakTable<Schema, EncodedSchema> s_known = [];

    private EncodedSchema(Schema schema)
    {
        Message = SchemaEncoder.Message(schema);
        Fingerprint = Checksum.Of(Message);

        // Decoded again for its dictionary ids, and so that what readers will see is what was meant.
        (_, Nodes) = SchemaDecoder.DecodeMessage(Message);
        BatchBound = BatchShape.Bound(Nodes);
    }

    /// <summary>The schema message, without the length prefix.</summary>
    public byte[] Message { get; }

    /// <summary>Its XxHash3.</summary>
    public string Fingerprint { get; }

    public FieldNode[] Nodes { get; }

    /// <summary>Bytes that a batch's message takes at most.</summary>
    public int BatchBound { get; }

    /// <summary>That of a schema, which is not changed any more.</summary>
    public static EncodedSchema Of(Schema schema) => s_known.GetValue(schema, static schema => new EncodedSchema(schema));
}
