namespace Gristmill;

/// <summary>What a host that holds an object tells another that wants it: where to read it, and with which ticket.</summary>
/// <param name="Ref">The object.</param>
/// <param name="Address">IP address of the host's object server.</param>
/// <param name="Port">Its TCP port.</param>
/// <param name="Ticket">Opens this object and no other, for a short time; 32 hexadecimal digits.</param>
/// <param name="HashedBytes">Bytes at the object's start that <see cref="ObjectRef.Checksum"/> is of.</param>
/// <param name="FooterChecksum">XxHash3 of the bytes behind them, 16 hexadecimal digits.</param>
[GenerateSerializer, Immutable, Alias("gristmill.ObjectOffer")]
public sealed record ObjectOffer(
    [property: Id(0)] ObjectRef Ref,
    [property: Id(1)] string Address,
    [property: Id(2)] int Port,
    [property: Id(3)] string Ticket,
    [property: Id(4)] long HashedBytes,
    [property: Id(5)] string FooterChecksum);
